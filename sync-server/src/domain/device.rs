//! Sites, doors and the devices at them.

use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::{DeviceId, DoorId, SiteId};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::DeviceRoot;
use ostiary_common::wire::{ConfigReported, DeviceSettings, PackOrder, Revision};

use super::recognition::{Inherited, desired};

/// A building.
#[derive(Clone, Debug)]
pub struct Site {
    /// Id.
    pub id: SiteId,
    /// Name, unique.
    pub name: String,
    /// Made at.
    pub created_at: UnixMillis,
}

/// A place people pass.
#[derive(Clone, Debug)]
pub struct Door {
    /// Id.
    pub id: DoorId,
    /// Where.
    pub site: SiteId,
    /// Name, unique within the site.
    pub name: String,
    /// Made at.
    pub created_at: UnixMillis,
}

/// Where a device is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceState {
    /// Made by an admin, waiting for its claim.
    Pending,
    /// Claimed.
    Active,
    /// Shut out for good.
    Revoked,
}

/// How a device stands: as much as must be known to take its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceStanding {
    /// Its site.
    pub site: SiteId,
    /// Where it is in its life.
    pub state: DeviceState,
    /// The highest session heard of it.
    pub session: u64,
}

impl DeviceState {
    /// The state's name in store and API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Revoked => "revoked",
        }
    }

    /// Reads a state's name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Active, Self::Revoked].into_iter().find(|state| state.as_str() == text)
    }
}

/// A camera unit.
#[derive(Clone, Debug)]
pub struct Device {
    /// Id.
    pub id: DeviceId,
    /// Where.
    pub site: SiteId,
    /// What it watches.
    pub door: DoorId,
    /// Name.
    pub name: String,
    /// State.
    pub state: DeviceState,
    /// Ed25519 public key, SPKI PEM; there once claimed.
    pub public_key_pem: Option<String>,
    /// Made at.
    pub created_at: UnixMillis,
    /// Claimed at.
    pub claimed_at: Option<UnixMillis>,
    /// Desired configuration version.
    pub config_version: u64,
    /// Settings of this device alone.
    pub config: DeviceSettings,
    /// What its door and the installation say where its own settings say nothing.
    pub inherited: Inherited,
    /// What was last heard of it.
    pub presence: Presence,
    /// What it last said it holds.
    pub held: Option<HeldGallery>,
    /// The model pack it is told to run; `None`: its own.
    pub pack: Option<PackOrder>,
}

impl Device {
    /// A new device at a door, waiting for its claim.
    pub fn pending(id: DeviceId, name: String, door: &Door, now: UnixMillis) -> Self {
        Self {
            id,
            site: door.site,
            door: door.id,
            name,
            state: DeviceState::Pending,
            public_key_pem: None,
            created_at: now,
            claimed_at: None,
            config_version: 0,
            config: DeviceSettings::default(),
            inherited: Inherited::default(),
            presence: Presence::default(),
            held: None,
            pack: None,
        }
    }

    /// The device's place among the topics.
    pub const fn root(&self) -> DeviceRoot {
        DeviceRoot { site: self.site, device: self.id }
    }

    /// Whether its own settings say otherwise than its door may wish.
    pub const fn is_apart(&self) -> bool {
        let DeviceSettings { match_threshold, match_margin, target_fpir, liveness, .. } = &self.config;
        match_threshold.is_some() || match_margin.is_some() || target_fpir.is_some() || liveness.is_some()
    }

    /// The configuration it is to have: its own settings, its door's, the installation's, in this order.
    pub fn desired(&self) -> DeviceSettings {
        desired(&self.config, &self.inherited)
    }
}

/// What was last heard of a device.
#[derive(Clone, Debug, Default)]
pub struct Presence {
    /// `online`, `stopped`, `lost`, or empty if never heard of.
    pub state: String,
    /// The highest session number seen.
    pub session: u64,
    /// When the state changed, server time.
    pub since: Option<UnixMillis>,
    /// Last word of any kind, server time.
    pub last_seen_at: Option<UnixMillis>,
    /// The daemon's version.
    pub version: String,
    /// `info` as last sent, JSON text.
    pub info_json: Option<String>,
    /// `health` as last sent, JSON text.
    pub health_json: Option<String>,
    /// The configuration it last said to have in force.
    pub reported: Option<ConfigReported>,
}

/// What a device said it holds.
#[derive(Clone, Copy, Debug)]
pub struct HeldGallery {
    /// Revision.
    pub rev: Revision,
    /// Digest.
    pub digest: GalleryDigest,
    /// Persons.
    pub persons: u32,
    /// Templates.
    pub templates: u32,
    /// When it said so, server time.
    pub at: UnixMillis,
}

/// A one-time claim code as stored: only its hash.
#[derive(Clone, Debug)]
pub struct ClaimCode {
    /// For which device.
    pub device: DeviceId,
    /// SHA-256 of the normalised code, hexadecimal.
    pub code_hash: String,
    /// Void from here on.
    pub expires_at: UnixMillis,
}
