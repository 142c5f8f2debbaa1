//! Enrolling somebody at a door: the server asks, the camera guides whoever stands there and says how it goes, and what
//! was taken comes back. Who it is, a device is not told.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::events::{LivenessReport, QualitySummary};
use super::gallery::Angle;
use crate::envelope::Body;
use crate::ids::EnrollmentId;
use crate::time::UnixMillis;

/// Looks in one result, at most.
pub const MAX_ENROLL_SHOTS: usize = 6;
/// The largest picture of a look, bytes.
pub const MAX_ENROLL_SHOT_BYTES: usize = 80 * 1024;

/// "Guide whoever comes before you."
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollStart {
    /// Names it; a repeated start with the same id begins nothing.
    pub id: EnrollmentId,
    /// Not begun any more after this server time.
    pub not_after: UnixMillis,
    /// How long it may take from its beginning.
    pub time_limit_s: u32,
    /// The angles wanted, in this order.
    pub angles: Vec<Angle>,
}

/// "Stop that, and forget what was taken."
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollCancel {
    /// Which.
    pub id: EnrollmentId,
}

/// How an enrollment at a door stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrollState {
    /// Under way.
    Running,
    /// Every angle was taken.
    Complete,
    /// Stopped by the server's word.
    Cancelled,
    /// The time was over; what was taken until then comes along.
    TimedOut,
    /// Somebody else came before the camera.
    AnotherFace,
    /// What stood there did not look alive, and the door blocks that.
    SpoofSuspected,
    /// Not begun: another one is under way, it came too late, or there is no camera.
    Refused,
    /// A state this program does not know.
    #[serde(other)]
    Other,
}

/// How it goes, a few times a second; nothing is lost with one that does not arrive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnrollProgress {
    /// Which.
    pub id: EnrollmentId,
    /// How it stands.
    pub state: EnrollState,
    /// The angle asked for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<Angle>,
    /// The angles taken so far.
    #[serde(default)]
    pub taken: Vec<Angle>,
    /// What keeps the present frame from being taken, as the API names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What to tell the person.
    #[serde(default)]
    pub hint: String,
    /// How much of the time a pose is to be held has passed, 0 to 1.
    #[serde(default)]
    pub held: f32,
    /// What was measured on the face, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<QualitySummary>,
}

/// A look that was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnrollShot {
    /// The side of the face it shows.
    pub angle: Angle,
    /// What was measured on the full frame.
    pub quality: QualitySummary,
    /// The face with its surroundings, in the camera's own pixels where there is room: a JPEG of at most
    /// [`MAX_ENROLL_SHOT_BYTES`].
    pub jpeg: ByteBuf,
}

/// How it ended, with what was taken. Sent again until the server has dealt with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnrollResult {
    /// Which.
    pub id: EnrollmentId,
    /// How it ended.
    pub state: EnrollState,
    /// In words.
    #[serde(default)]
    pub detail: String,
    /// When it ended, by the device's clock.
    pub ended_at: UnixMillis,
    /// The looks; none if nothing may be made of them.
    #[serde(default)]
    pub shots: Vec<EnrollShot>,
    /// How live it looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness: Option<LivenessReport>,
}

/// "That is dealt with; forget it."
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollAck {
    /// Which.
    pub id: EnrollmentId,
}

impl EnrollResult {
    /// Whether its looks are of a number and size that may be.
    #[must_use]
    pub fn is_within_limits(&self) -> bool {
        self.shots.len() <= MAX_ENROLL_SHOTS && self.shots.iter().all(|shot| shot.jpeg.len() <= MAX_ENROLL_SHOT_BYTES)
    }
}

impl Body for EnrollStart {
    const KIND: &'static str = "enrollment start";
    const MAX_BYTES: usize = 1024;
}

impl Body for EnrollCancel {
    const KIND: &'static str = "enrollment cancel";
    const MAX_BYTES: usize = 1024;
}

impl Body for EnrollProgress {
    const KIND: &'static str = "enrollment progress";
    const MAX_BYTES: usize = 4 * 1024;
}

impl Body for EnrollResult {
    const KIND: &'static str = "enrollment result";
    const MAX_BYTES: usize = 512 * 1024;
}

impl Body for EnrollAck {
    const KIND: &'static str = "enrollment ack";
    const MAX_BYTES: usize = 1024;
}
