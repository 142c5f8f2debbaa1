//! Monitoring messages: JSON for people and other systems, capped like everything else.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, DoorId, EventId, PersonId};
use crate::time::UnixMillis;
use crate::wire::{LivenessReport, OutcomeKind, QualitySummary, UnusableReason};

/// The largest monitoring message accepted, in bytes.
pub const MAX_JSON_BYTES: usize = 32 * 1024;

/// Whether a device is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Connected.
    Online,
    /// Ended in order.
    Stopped,
    /// Gone without a word (said by the will).
    Lost,
}

/// `status`: retained, and as the will.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The state.
    pub state: State,
    /// The session it speaks of; a status of an older session than the current is ignored.
    pub session: u64,
    /// Since when, by the device's clock.
    pub since: UnixMillis,
    /// The daemon's version.
    pub version: String,
}

/// `info`: what the device is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// The daemon's version.
    pub version: String,
    /// Board, in words.
    pub hardware: String,
    /// Architecture and kernel.
    pub system: String,
    /// Camera and format, in words.
    pub camera: String,
    /// Model pack id.
    pub model_pack: String,
    /// What the nets are computed with, in words; empty from programs that did not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kernels: String,
    /// How it stands with another pack it was told to run or to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_pack: Option<OtherPack>,
}

/// A pack beside the one a device runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherPack {
    /// Which.
    pub id: String,
    /// How far it is.
    pub stage: PackStage,
    /// More in words, where something is wrong.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// How far a pack is on its way into use on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackStage {
    /// It is on its way from the server, or is being checked.
    Fetching,
    /// It is there and sound; its gallery is on its way.
    Filling,
    /// It could be switched to at once.
    Ready,
    /// It cannot be used.
    Failed,
    /// A stage this program does not know.
    #[serde(other)]
    Unknown,
}

/// `health`: figures by the names the Prometheus metrics have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// For example `ostiary_frames_total`.
    #[serde(flatten)]
    pub metrics: BTreeMap<String, f64>,
}

/// `seen`: a committed event with names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The event.
    pub event: EventId,
    /// The device.
    pub device: DeviceId,
    /// The door.
    pub door: DoorId,
    /// The door's name.
    pub door_name: String,
    /// How the visit ended.
    pub outcome: OutcomeKind,
    /// When it was decided, RFC 3339.
    pub at: String,
    /// The person, of a match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// The person's name, of a match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The similarity, of a match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub similarity: Option<f32>,
    /// Why it was unusable, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<UnusableReason>,
    /// How live the visit looked, if the door judges it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness: Option<LivenessReport>,
    /// Quality of the best shot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<QualitySummary>,
    /// When the deciding frame left the camera, RFC 3339, by the clock of `at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured_at: Option<String>,
    /// When it was decided: `at` again, beside the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<String>,
    /// When the device sent the batch it was stored from, by the same clock; absent where that clock cannot tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<String>,
    /// When it was committed, by the server's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_at: Option<String>,
    /// From the capture of the deciding frame to the decision, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame_to_decision_ms: Option<u32>,
    /// From the decision to the sending, in milliseconds; long after an outage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_to_published_ms: Option<u64>,
    /// Whether it waited on the device before it could be sent, as after an outage.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held_back: bool,
}

/// A monitoring message that is not one.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// Over [`MAX_JSON_BYTES`].
    #[error("monitoring message of {0} bytes is over the limit of {MAX_JSON_BYTES}")]
    TooLarge(usize),
    /// Not the JSON expected.
    #[error("monitoring message is not valid: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// Reads a monitoring message.
///
/// # Errors
/// [`JsonError`] if it is too large or not of the expected shape.
pub fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    if bytes.len() > MAX_JSON_BYTES {
        return Err(JsonError::TooLarge(bytes.len()));
    }
    Ok(serde_json::from_slice(bytes)?)
}

/// Writes a monitoring message.
#[must_use]
pub fn to_json<T: Serialize>(message: &T) -> Vec<u8> {
    serde_json::to_vec(message).expect("monitoring messages have string keys and finite shapes")
}
