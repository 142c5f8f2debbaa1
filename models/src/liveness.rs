//! Presentation attack detection without extra hardware: does a living head stand before the camera, or a copy?
//!
//! [`crate::engine::FaceEngine::liveness_cues`] measures single looks ([`FrameCues`]); a [`LivenessTrack`] takes
//! them in over a visit, adds what only time shows, and gives a [`Liveness`]. Everything here is pure.
//!
//! A score says that nothing spoke against a live face; it does not prove one. What each cue is worth against
//! attacks we can make ourselves, and what it says nothing about, stands in `docs/liveness.md`.

mod attached;
pub mod challenge;

mod border;
mod cues;
mod eyes;
mod fuse;
mod moved;
mod pattern;
mod sheet;
mod thumbnail;
mod track;

use std::time::Duration;

use ostiary_common::wire::SpoofCue;

pub use cues::{FrameCues, MIN_FACE_PX};
pub use track::LivenessTrack;

/// Where liveness is drawn, and how much must have been seen before anything is said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LivenessRules {
    /// A score below is suspected, 0 to 1.
    pub threshold: f32,
    /// Looks with cues, at least.
    pub min_looks: u32,
    /// Time between the first and the last look, at least.
    pub min_span: Duration,
}

impl Default for LivenessRules {
    /// Drawn so that a door refuses as few real people as can be: see `docs/liveness.md`.
    fn default() -> Self {
        Self { threshold: 0.5, min_looks: 4, min_span: Duration::from_millis(400) }
    }
}

/// How live a visit looks so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Liveness {
    /// 0 (surely an attack) to 1 (nothing speaks against a live face).
    pub score: f32,
    /// The threshold that applied.
    pub threshold: f32,
    /// What speaks most against a live face, if anything does.
    pub cue: Option<SpoofCue>,
    /// Whether enough was seen to say anything; if not, the score is not to be acted upon.
    pub enough: bool,
}

impl Liveness {
    /// Whether this is to be treated as an attack.
    #[must_use]
    pub fn is_suspected(&self) -> bool {
        self.enough && self.score < self.threshold
    }
}

/// 0 up to `low`, 1 from `high` on, straight in between.
fn ramp(value: f32, low: f32, high: f32) -> f32 {
    ((value - low) / (high - low)).clamp(0.0, 1.0)
}
