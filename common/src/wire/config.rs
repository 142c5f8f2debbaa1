//! Settings the server wants on a device, and what the device made of them.

use serde::{Deserialize, Serialize};

use super::events::LivenessPolicy;
use crate::envelope::Body;
use crate::ids::PackId;

/// What may be set from the server; an absent value leaves the device's own configuration in force.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeviceSettings {
    /// Least similarity (cosine, 0..1) for a match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_threshold: Option<f32>,
    /// Least distance to the second person (cosine, 0..1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_margin: Option<f32>,
    /// Share of strangers that may be taken for someone (0..1, exclusive); threshold and margin follow from it,
    /// the pack's calibration and the gallery held, unless they are set themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_fpir: Option<f32>,
    /// What is done with a visit that does not look live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness: Option<LivenessPolicy>,
    /// Least width of a face in pixels of the camera frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_face_px: Option<u32>,
    /// Whether events carry a small picture of the face.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_crops: Option<bool>,
    /// Seconds between health reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_interval_s: Option<u32>,
}

/// Settings wanted, at a version; an older version than the one in force is discarded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfigDesired {
    /// Rises with every change.
    pub version: u64,
    /// The settings.
    pub settings: DeviceSettings,
    /// The model pack to run; absent: the one of the device's own configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack: Option<PackOrder>,
}

/// Which model pack a device is to run, and which one it is to be ready to go back to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackOrder {
    /// The pack to run.
    pub run: PackId,
    /// Its archive at the server; absent if every device has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<PackArchive>,
    /// Another pack whose files and gallery are to be kept at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<PackId>,
}

/// An archive to be downloaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackArchive {
    /// Of the whole file, 64 hexadecimal digits.
    pub sha256: String,
    /// Of the whole file.
    pub size_bytes: u64,
    /// The key that signed it, SPKI PEM: believed by devices that were given no keys of their own.
    pub key_pem: String,
}

/// Settings in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfigReported {
    /// The last version looked at.
    pub version: u64,
    /// Why it was not taken, if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What is in force now.
    pub settings: DeviceSettings,
}

impl Body for ConfigDesired {
    const KIND: &'static str = "desired config";
    const MAX_BYTES: usize = 16 * 1024;
}

impl Body for ConfigReported {
    const KIND: &'static str = "reported config";
    const MAX_BYTES: usize = 16 * 1024;
}
