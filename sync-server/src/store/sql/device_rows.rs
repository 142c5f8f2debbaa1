//! Rows of sites, doors and devices.

use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::{DeviceId, DoorId, SiteId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;

use super::error::corrupt;
use super::model_packs::OrderRow;
use super::{columns, recognition_rows};
use crate::domain::device::{Device, DeviceState, Door, HeldGallery, Presence, Site};
use crate::domain::recognition::{Inherited, Layer};
use crate::ports::StoreError;

/// Devices, each with what its door and the installation say and the pack it is to run, as [`DeviceRow`] reads them.
pub(super) const DEVICES: &str = "SELECT d.*, o.target_fpir AS door_target_fpir,
    o.match_threshold AS door_threshold, o.match_margin AS door_margin, o.liveness AS door_liveness,
    i.target_fpir AS installation_target_fpir, i.liveness AS installation_liveness,
    r.id AS run_pack, r.sha256 AS run_sha256, r.size_bytes AS run_bytes, r.key_pem AS run_key
    FROM devices d CROSS JOIN recognition i LEFT JOIN door_recognition o ON o.door = d.door
    LEFT JOIN model_packs r
        ON r.id = coalesce(d.want_pack, (SELECT max(a.id) FROM model_packs a WHERE a.state = 'active'))";

#[derive(sqlx::FromRow)]
pub(super) struct SiteRow {
    id: Vec<u8>,
    name: String,
    created_at: i64,
}

impl TryFrom<SiteRow> for Site {
    type Error = StoreError;
    fn try_from(row: SiteRow) -> Result<Self, StoreError> {
        Ok(Self { id: columns::id(SiteId, &row.id)?, name: row.name, created_at: UnixMillis(row.created_at) })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct DoorRow {
    id: Vec<u8>,
    site: Vec<u8>,
    name: String,
    created_at: i64,
}

impl TryFrom<DoorRow> for Door {
    type Error = StoreError;
    fn try_from(row: DoorRow) -> Result<Self, StoreError> {
        let (id, site) = (columns::id(DoorId, &row.id)?, columns::id(SiteId, &row.site)?);
        Ok(Self { id, site, name: row.name, created_at: UnixMillis(row.created_at) })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct DeviceRow {
    id: Vec<u8>,
    site: Vec<u8>,
    door: Vec<u8>,
    name: String,
    state: String,
    public_key_pem: Option<String>,
    created_at: i64,
    claimed_at: Option<i64>,
    config_version: i64,
    config_json: String,
    #[sqlx(flatten)]
    inherited: InheritedRow,
    #[sqlx(flatten)]
    presence: PresenceRow,
    #[sqlx(flatten)]
    held: HeldRow,
    #[sqlx(flatten)]
    order: OrderRow,
}

#[derive(sqlx::FromRow)]
struct InheritedRow {
    door_target_fpir: Option<f64>,
    door_threshold: Option<f64>,
    door_margin: Option<f64>,
    door_liveness: Option<String>,
    installation_target_fpir: Option<f64>,
    installation_liveness: Option<String>,
}

#[derive(sqlx::FromRow)]
struct PresenceRow {
    presence_state: String,
    session: i64,
    presence_since: Option<i64>,
    last_seen_at: Option<i64>,
    version: String,
    info_json: Option<String>,
    health_json: Option<String>,
    reported_json: Option<String>,
}

#[derive(sqlx::FromRow)]
pub(super) struct HeldRow {
    held_rev: Option<i64>,
    held_digest: Option<Vec<u8>>,
    held_persons: Option<i64>,
    held_templates: Option<i64>,
    held_at: Option<i64>,
}

impl TryFrom<DeviceRow> for Device {
    type Error = StoreError;
    fn try_from(row: DeviceRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: columns::id(DeviceId, &row.id)?,
            site: columns::id(SiteId, &row.site)?,
            door: columns::id(DoorId, &row.door)?,
            name: row.name,
            state: DeviceState::parse(&row.state).ok_or_else(|| corrupt("device state", &row.state))?,
            public_key_pem: row.public_key_pem,
            created_at: UnixMillis(row.created_at),
            claimed_at: columns::time(row.claimed_at),
            config_version: columns::unsigned("config version", row.config_version)?,
            config: serde_json::from_str(&row.config_json).map_err(|e| corrupt("device config", e))?,
            inherited: row.inherited.read()?,
            presence: row.presence.try_into()?,
            held: row.held.read()?,
            pack: row.order.read()?,
        })
    }
}

impl InheritedRow {
    fn read(self) -> Result<Inherited, StoreError> {
        let door = Layer {
            target_fpir: self.door_target_fpir.map(recognition_rows::share).transpose()?,
            match_threshold: self.door_threshold.map(recognition_rows::similarity).transpose()?,
            match_margin: self.door_margin.map(recognition_rows::similarity).transpose()?,
            liveness: recognition_rows::liveness(self.door_liveness.as_deref())?,
        };
        let installation = Layer {
            target_fpir: self.installation_target_fpir.map(recognition_rows::share).transpose()?,
            liveness: recognition_rows::liveness(self.installation_liveness.as_deref())?,
            ..Layer::default()
        };
        Ok(Inherited { door, installation })
    }
}

impl TryFrom<PresenceRow> for Presence {
    type Error = StoreError;
    fn try_from(row: PresenceRow) -> Result<Self, StoreError> {
        Ok(Self {
            state: row.presence_state,
            session: columns::unsigned("session", row.session)?,
            since: columns::time(row.presence_since),
            last_seen_at: columns::time(row.last_seen_at),
            version: row.version,
            info_json: row.info_json,
            health_json: row.health_json,
            reported: row
                .reported_json
                .map(|json| serde_json::from_str(&json).map_err(|e| corrupt("reported config", e)))
                .transpose()?,
        })
    }
}

impl HeldRow {
    /// What the device said it holds, if it ever did.
    pub(super) fn read(self) -> Result<Option<HeldGallery>, StoreError> {
        let (Some(rev), Some(digest), Some(at)) = (self.held_rev, self.held_digest, self.held_at) else {
            return Ok(None);
        };
        let digest = GalleryDigest::from_bytes(columns::bytes32("digest", &digest)?);
        let persons = columns::unsigned32("held persons", self.held_persons.unwrap_or_default())?;
        let templates = columns::unsigned32("held templates", self.held_templates.unwrap_or_default())?;
        let rev = Revision(columns::unsigned("revision", rev)?);
        Ok(Some(HeldGallery { rev, digest, persons, templates, at: UnixMillis(at) }))
    }
}
