//! Guided capture: somebody stands before a camera, is told what to do next, and the good, steady looks from the front,
//! the left and the right are taken by themselves.
//!
//! Pure: time and looks come in, advice comes out. The server runs it over frames of a browser, a device over its own
//! camera; [`pick`] chooses by the same limits from a recording, where nobody can be told anything. Start reading at
//! [`Guide::take`]. Why it is so stands in `docs/adr/0031-guided-capture.md`.

mod advice;
mod fit;
mod hold;
mod pick;
mod same;
mod session;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

use std::time::Duration;

use ostiary_common::wire::Angle;

pub use advice::{Advice, Problem, State};
pub use pick::{Picked, Unpicked, pick};
pub use session::Guide;

use crate::align::AlignedChip;
use crate::choose::{Choice, choose};
use crate::decide::Rule;
use crate::detect::DetectedFace;
use crate::embed::Embedding;
use crate::liveness::{FrameCues, LivenessRules};
use crate::quality::{FaceQuality, QualityGate};

/// The angles asked for, in this order.
pub const ANGLES: [Angle; 3] = [Angle::Frontal, Angle::Left, Angle::Right];

/// What a capture goes by.
#[derive(Clone, Debug, PartialEq)]
pub struct GuideRules {
    /// What a face must reach; that it is turned to a side does not count against it.
    pub gate: QualityGate,
    /// Which angles are wanted; the frontal one comes first.
    pub angles: Vec<Angle>,
    /// Least similarity (cosine) of a look to the one taken nearest in pose, while the face never left the picture.
    pub same_face: f32,
    /// The same once it did, or jumped.
    pub same_face_again: f32,
    /// How long a pose is to be held.
    pub hold: Duration,
    /// Looks within that time, at least.
    pub hold_looks: u32,
    /// The whole session.
    pub time_limit: Duration,
    /// The longest time without any frame.
    pub idle_limit: Duration,
    /// Where liveness is drawn, if it is looked at.
    pub liveness: Option<LivenessRules>,
    /// Whether a face that does not look live ends the session; else that is only told.
    pub refuses_spoofs: bool,
}

impl GuideRules {
    /// The usual rules for a pack's gate for enrollment and its rule for a match.
    #[must_use]
    pub fn new(gate: QualityGate, rule: Rule) -> Self {
        // As at a door: below, looks are of two faces (`daemon/src/domain/visit/evidence.rs`).
        let level = |share: f32| rule.threshold + share * (1.0 - rule.threshold);
        Self {
            gate,
            angles: ANGLES.to_vec(),
            same_face: level(-0.7),
            same_face_again: level(-0.3),
            hold: Duration::from_millis(350),
            hold_looks: 3,
            time_limit: Duration::from_secs(60),
            idle_limit: Duration::from_secs(15),
            liveness: None,
            refuses_spoofs: false,
        }
    }

    /// Whether a look is worth an embedding: all but its pose is good enough.
    #[must_use]
    pub fn wants_embedding(&self, quality: &FaceQuality) -> bool {
        fit::flaw(quality, &self.gate).is_none()
    }
}

/// What one frame shows.
#[derive(Clone, Debug)]
pub enum Seen<P> {
    /// No face.
    Nobody,
    /// More than one face could be meant.
    Several(usize),
    /// One face.
    One(Box<Glance<P>>),
}

/// One face in one frame, looked at closely.
#[derive(Clone, Debug)]
pub struct Glance<P> {
    /// Where it is.
    pub face: DetectedFace,
    /// How fit it is.
    pub quality: FaceQuality,
    /// What it tells about being alive, if that was looked at and can be told.
    pub cues: Option<FrameCues>,
    /// Aligned for the embedder.
    pub chip: AlignedChip,
    /// The face as a vector, where [`GuideRules::wants_embedding`].
    pub embedding: Option<Embedding>,
    /// What whoever runs the capture wants back with a look that was taken.
    pub keep: P,
}

/// A look that was taken.
#[derive(Clone, Debug)]
pub struct Shot<P> {
    /// The side of the face it shows.
    pub angle: Angle,
    /// How fit it is.
    pub quality: FaceQuality,
    /// Where the face was.
    pub face: DetectedFace,
    /// Aligned for the embedder.
    pub chip: AlignedChip,
    /// The face as a vector.
    pub embedding: Embedding,
    /// What came with the glance.
    pub keep: P,
}

/// The one face meant among those found; `Err` says how many could be.
///
/// # Errors
/// 0 if there is none, else how many could be meant.
pub fn only_face(faces: &[DetectedFace]) -> Result<DetectedFace, usize> {
    let widths: Vec<f32> = faces.iter().map(DetectedFace::width_px).collect();
    match choose(&widths) {
        Choice::Face(index) => Ok(faces[index]),
        Choice::Nobody => Err(0),
        Choice::Several(count) => Err(count),
    }
}

impl<P> Seen<P> {
    /// What is seen where [`only_face`] finds none, or several.
    #[must_use]
    pub const fn no_single_face(count: usize) -> Self {
        if count == 0 { Self::Nobody } else { Self::Several(count) }
    }
}
