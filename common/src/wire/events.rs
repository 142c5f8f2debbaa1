//! What a device reports: visits and its own troubles, in batches without gaps, acknowledged after commit.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::gallery::Revision;
use crate::envelope::Body;
use crate::ids::{BootId, EventId, PackId, PersonId, StreamId, TemplateId};
use crate::time::UnixMillis;

/// The most events one batch may carry.
pub const MAX_EVENTS_PER_BATCH: usize = 64;

/// Events in order of `seq`, without gaps, 1 to [`MAX_EVENTS_PER_BATCH`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventBatch {
    /// The life of the outbox these numbers count in.
    pub stream: StreamId,
    /// The events.
    pub events: Vec<EventRecord>,
}

/// One event. Exactly one of `visit` and `report` is there; a record with neither is of a newer kind and
/// is stored as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// The key of deduplication.
    pub id: EventId,
    /// Position in the stream, from 1, without gaps.
    pub seq: u64,
    /// When.
    pub time: EventTime,
    /// What a camera saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit: Option<VisitReport>,
    /// What the device says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<DeviceReport>,
}

/// When something happened, by all clocks a board has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventTime {
    /// Wall time by the device.
    pub wall: UnixMillis,
    /// Whether the wall time can be believed.
    pub clock_synced: bool,
    /// Milliseconds since boot.
    pub monotonic_ms: u64,
    /// Which boot.
    pub boot: BootId,
}

/// How a visit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// Someone of the gallery.
    Match,
    /// A face good enough to judge, of nobody in the gallery.
    Unknown,
    /// A picture, a screen, a mask.
    SpoofSuspected,
    /// No face good enough to judge.
    Unusable,
    /// A kind this program does not know.
    #[serde(other)]
    Other,
}

/// Why a visit could not be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnusableReason {
    /// Never came near enough.
    TooSmall,
    /// Blurred throughout.
    Blurred,
    /// Too dark throughout.
    TooDark,
    /// Over-exposed throughout.
    TooBright,
    /// Turned away throughout.
    TurnedAway,
    /// Gone before there were enough frames.
    TooShort,
    /// Part of the face was covered throughout.
    Occluded,
    /// The gallery was too old, or could not be told to be new enough, to match anybody.
    GalleryStale,
    /// A reason this program does not know.
    #[serde(other)]
    Other,
}

/// A person a face resembles.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The person.
    pub person: PersonId,
    /// The nearest of the person's templates.
    pub template: TemplateId,
    /// Cosine similarity.
    pub similarity: f32,
}

/// Quality of the best shot, each component 0 (useless) to 1 (ideal), and the face's width.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QualitySummary {
    /// All together.
    pub overall: f32,
    /// Sharpness.
    pub sharpness: f32,
    /// Exposure.
    pub exposure: f32,
    /// Frontality.
    pub pose: f32,
    /// Width of the face in camera pixels.
    pub face_px: f32,
    /// Distance between the eyes in camera pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inter_eye_px: Option<f32>,
    /// Rotation to the subject's left, degrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yaw_deg: Option<f32>,
    /// Looking down, degrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pitch_deg: Option<f32>,
    /// Tilt towards the subject's right shoulder, degrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roll_deg: Option<f32>,
    /// How free of cover the face is, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unoccluded: Option<f32>,
}

/// What a door does with a visit that does not look live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LivenessPolicy {
    /// Liveness is not judged.
    Off,
    /// The visit is decided as ever; the event says how live it looked.
    #[default]
    Report,
    /// A visit that does not look live ends as `spoof_suspected` and matches nobody.
    Block,
}

/// What spoke most against a live face.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpoofCue {
    /// A model of the pack.
    Model,
    /// The pattern of a screen's or print's dots.
    Moire,
    /// The edge of a screen, sheet or cut-out around the face.
    Frame,
    /// The picture's detail or light is that of a flat copy.
    Flat,
    /// The landmarks move as one rigid plane.
    Rigid,
    /// Nothing moves at all: no blink, no breath.
    Still,
    /// A cue this program does not know.
    #[serde(other)]
    Other,
}

/// How live a visit looked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LivenessReport {
    /// 0 (surely an attack) to 1 (surely live); below `threshold` is suspected.
    pub score: f32,
    /// The threshold that applied.
    pub threshold: f32,
    /// What was done about it.
    pub policy: LivenessPolicy,
    /// What spoke most against it, if anything did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cue: Option<SpoofCue>,
}

/// Where the time went, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// From the track's first frame to the decision.
    pub first_frame_to_decision_ms: u32,
    /// From the capture of the deciding frame to the decision.
    pub frame_to_decision_ms: u32,
    /// From the decision to the outbox being flushed.
    #[serde(default)]
    pub decision_to_durable_ms: u32,
}

/// One visit, decided once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VisitReport {
    /// How it ended.
    pub outcome: OutcomeKind,
    /// The person matched; there if and only if the outcome is a match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<Candidate>,
    /// The nearest other person: of a match the second, of an unknown the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<Candidate>,
    /// Why it was unusable, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<UnusableReason>,
    /// The threshold that applied (cosine).
    pub threshold: f32,
    /// The margin that applied (cosine).
    pub margin: f32,
    /// Quality of the best shot.
    pub quality: QualitySummary,
    /// How live the visit looked, if the door judges it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness: Option<LivenessReport>,
    /// Frames the face was followed over.
    pub frames: u32,
    /// Faces that were embedded.
    pub embeddings: u32,
    /// The gallery's revision at the decision.
    pub gallery_rev: Revision,
    /// The model pack that decided.
    pub pack: PackId,
    /// Where the time went.
    #[serde(default)]
    pub latency: Latency,
    /// The visit's fused embedding, little-endian f32: of unknown visits so that they can be grouped, of matches so that
    /// a face a person was mistaken for is known again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedding: Option<ByteBuf>,
    /// A small JPEG of the best shot, if the door's policy sends crops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crop_jpeg: Option<ByteBuf>,
}

/// What a device says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportKind {
    /// The program started.
    Started,
    /// The camera gives frames again.
    CameraRecovered,
    /// The camera gives no frames.
    CameraLost,
    /// The local cache was damaged, set aside, and made anew.
    CacheQuarantined,
    /// Events or media were dropped because the disk budget was used up.
    OutboxOverflow,
    /// A message from the server was refused.
    MessageRefused,
    /// The gallery is too old to match anybody, or its age cannot be told.
    GalleryStale,
    /// The device's memory is older than what the server has of it; it began a new stream.
    Restored,
    /// The disk refuses writes.
    DiskFailed,
    /// Something about the board is wrong, named as the figure `ostiary_alarm_<name>` is.
    AlarmRaised,
    /// It is right again.
    AlarmCleared,
    /// The program runs without camera and model, to be reached for commands.
    SafeMode,
    /// Another model pack is switched to, was given up, or cannot be run.
    ModelPack,
    /// A kind this program does not know.
    #[serde(other)]
    Other,
}

/// A device's word about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceReport {
    /// What happened.
    pub kind: ReportKind,
    /// In words; no biometrics, no names.
    pub detail: String,
}

/// The most rejected events one acknowledgement names; more are rejected all the same.
pub const MAX_REJECTED_TOLD: usize = 4;

/// An event the server does not take, and never will: sent again it would be refused again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedEvent {
    /// Its number.
    pub seq: u64,
    /// What is wrong with it, in words, at most 120 characters.
    pub reason: String,
}

/// "Dealt with up to here": everything of `stream` up to and including `upto_seq` is committed, or rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventAck {
    /// The stream.
    pub stream: StreamId,
    /// Committed or rejected up to here; the device deletes these.
    pub upto_seq: u64,
    /// Set if the server waits for this number: send again from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resend_from: Option<u64>,
    /// Events of the batch answered that were not taken, at most [`MAX_REJECTED_TOLD`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<RejectedEvent>,
    /// The batch answered. A device that was set back to an old image gives numbers twice, so a number alone does not
    /// say whose event is stored; with this a device deletes only what is its own. Absent from older servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<AckedBatch>,
}

/// Which batch was committed or rejected as a whole. The id of its last event says of which life of the outbox it is:
/// what stands before an event in a stream is the same wherever that event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AckedBatch {
    /// Its first number.
    pub first: u64,
    /// Its last number.
    pub last: u64,
    /// The event at `last`.
    pub id: EventId,
}

impl AckedBatch {
    /// The name of a batch with these events; `None` if there are none.
    #[must_use]
    pub fn of(events: &[EventRecord]) -> Option<Self> {
        let (first, last) = (events.first()?, events.last()?);
        Some(Self { first: first.seq, last: last.seq, id: last.id })
    }
}

impl Body for EventBatch {
    const KIND: &'static str = "event batch";
    const MAX_BYTES: usize = 512 * 1024;
}

impl Body for EventAck {
    const KIND: &'static str = "event ack";
    const MAX_BYTES: usize = 1024;
}
