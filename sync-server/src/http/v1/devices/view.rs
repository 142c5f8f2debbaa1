//! A device as the API shows it.

use garde::Validate;
use ostiary_common::wire::{DeviceSettings, LivenessPolicy};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::device::{Device, HeldGallery};
use crate::domain::device_life::DeviceLife;
use crate::domain::gallery::{GalleryTruth, Verdict};
use crate::http::rules;

/// A camera unit.
#[derive(Serialize, ToSchema)]
pub struct DeviceView {
    /// Id.
    id: Uuid,
    /// Its site.
    site: Uuid,
    /// The door it watches.
    door: Uuid,
    /// Name.
    name: String,
    /// `pending` (not claimed yet), `active` or `revoked`.
    #[schema(value_type = String)]
    state: &'static str,
    /// Made at.
    created_at: String,
    /// Claimed at.
    claimed_at: Option<String>,
    /// Since when it watches its door, if it was moved there.
    placed_at: Option<String>,
    /// Revoked at.
    revoked_at: Option<String>,
    /// The device whose place it took.
    replaces: Option<Uuid>,
    /// The device that took its place.
    replaced_by: Option<Uuid>,
    /// What was last heard of it.
    presence: PresenceView,
    /// Settings wanted and in force.
    config: ConfigView,
    /// What it last said it holds.
    held: Option<HeldView>,
    /// The gallery's revision now.
    current_revision: u64,
    /// Whether it holds exactly what it may hold now. Its revision may be older: not every change concerns every
    /// device.
    in_sync: bool,
}

/// What was last heard of a device.
#[derive(Serialize, ToSchema)]
struct PresenceView {
    /// `online`, `stopped`, `lost`, or empty if never heard of.
    state: String,
    /// Since when.
    since: Option<String>,
    /// Last word of any kind.
    last_seen_at: Option<String>,
    /// The daemon's version.
    version: String,
    /// Its session number.
    session: u64,
    /// Hardware, software, camera, model pack.
    #[schema(value_type = Option<Object>)]
    info: Option<Value>,
    /// Figures by the names of the Prometheus metrics.
    #[schema(value_type = Option<Object>)]
    health: Option<Value>,
}

/// Settings of a device.
#[derive(Serialize, ToSchema)]
struct ConfigView {
    /// Version wanted.
    version: u64,
    /// Settings of this device alone.
    settings: Settings,
    /// Settings it is told: its own, completed by its door's, those by the installation's.
    effective: Settings,
    /// What the device said of it.
    reported: Option<ReportedView>,
}

/// What a device made of its settings.
#[derive(Serialize, ToSchema)]
struct ReportedView {
    /// The version it looked at last.
    version: u64,
    /// Why it was not taken.
    error: Option<String>,
    /// What is in force.
    settings: Settings,
}

/// Settings; what is absent is left to the device's own configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Least similarity (cosine) for a match, 0 to 1.
    #[garde(inner(custom(rules::similarity)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_threshold: Option<f32>,
    /// Least distance to the second person (cosine), 0 to 1.
    #[garde(inner(custom(rules::similarity)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_margin: Option<f32>,
    /// Share of strangers' visits that may be taken for someone, above 0 and below 1; threshold and margin follow
    /// from it unless they are set themselves.
    #[garde(inner(custom(rules::share)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_fpir: Option<f32>,
    /// What is done with a visit that does not look live: `off`, `report` or `block`.
    #[garde(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub liveness: Option<LivenessPolicy>,
    /// Least width of a face in pixels of the camera frame, 20 to 2000.
    #[garde(range(min = 20, max = 2000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_face_px: Option<u32>,
    /// Whether events carry a small picture of the face.
    #[garde(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_crops: Option<bool>,
    /// Seconds between health reports, 5 to 3600.
    #[garde(range(min = 5, max = 3600))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_interval_s: Option<u32>,
}

/// What a device holds.
#[derive(Serialize, ToSchema)]
pub struct HeldView {
    /// Revision.
    revision: u64,
    /// Digest, 64 hexadecimal digits.
    digest: String,
    /// Persons.
    persons: u32,
    /// Templates.
    templates: u32,
    /// When it said so.
    at: String,
}

impl DeviceView {
    /// The device beside the gallery it must hold.
    pub fn new(device: Device, life: DeviceLife, truth: GalleryTruth) -> Self {
        let held = device.held;
        let effective = device.desired().into();
        let config = ConfigView {
            version: device.config_version,
            effective,
            settings: device.config.into(),
            reported: device.presence.reported.map(|reported| ReportedView {
                version: reported.version,
                error: reported.error,
                settings: reported.settings.into(),
            }),
        };
        let json = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
        Self {
            id: device.id.0,
            site: device.site.0,
            door: device.door.0,
            name: device.name,
            state: device.state.as_str(),
            created_at: device.created_at.to_rfc3339(),
            claimed_at: device.claimed_at.map(|at| at.to_rfc3339()),
            placed_at: life.placed_at.map(|at| at.to_rfc3339()),
            revoked_at: life.revoked_at.map(|at| at.to_rfc3339()),
            replaces: life.replaces.map(|id| id.0),
            replaced_by: life.replaced_by.map(|id| id.0),
            presence: PresenceView {
                state: device.presence.state,
                since: device.presence.since.map(|at| at.to_rfc3339()),
                last_seen_at: device.presence.last_seen_at.map(|at| at.to_rfc3339()),
                version: device.presence.version,
                session: device.presence.session,
                info: json(device.presence.info_json),
                health: json(device.presence.health_json),
            },
            config,
            in_sync: held.is_some_and(|held| truth.judge((held.rev, held.digest)) == Verdict::InSync),
            held: held.map(HeldView::from),
            current_revision: truth.rev.0,
        }
    }
}

impl From<HeldGallery> for HeldView {
    fn from(held: HeldGallery) -> Self {
        Self {
            revision: held.rev.0,
            digest: held.digest.to_hex(),
            persons: held.persons,
            templates: held.templates,
            at: held.at.to_rfc3339(),
        }
    }
}

impl From<DeviceSettings> for Settings {
    fn from(settings: DeviceSettings) -> Self {
        Self {
            match_threshold: settings.match_threshold,
            match_margin: settings.match_margin,
            target_fpir: settings.target_fpir,
            liveness: settings.liveness,
            min_face_px: settings.min_face_px,
            send_crops: settings.send_crops,
            health_interval_s: settings.health_interval_s,
        }
    }
}

impl From<Settings> for DeviceSettings {
    fn from(settings: Settings) -> Self {
        Self {
            match_threshold: settings.match_threshold,
            match_margin: settings.match_margin,
            target_fpir: settings.target_fpir,
            liveness: settings.liveness,
            min_face_px: settings.min_face_px,
            send_crops: settings.send_crops,
            health_interval_s: settings.health_interval_s,
        }
    }
}
