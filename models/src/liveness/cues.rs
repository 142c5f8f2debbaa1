//! What one look at a face tells.

use super::border::Border;
use super::thumbnail::Thumbnail;
use super::{eyes, pattern};
use crate::align::{AlignedChip, Template};
use crate::detect::DetectedFace;
use crate::frame::RgbView;
use crate::layout::Layout;

/// Narrower faces, in camera pixels, show nothing of what the cues look for.
pub const MIN_FACE_PX: f32 = 48.0;

/// What one look tells. Strengths are 0 (nothing of the kind) to 1 (certain).
#[derive(Clone, Debug, PartialEq)]
pub struct FrameCues {
    /// The pattern of a screen's or print's dots.
    pub(super) moire: f32,
    /// Straight lines around the face.
    pub(super) border: Border,
    /// How sure the pack's model is of an attack, if it has one.
    pub(super) model: Option<f32>,
    /// How dark the eyes are, comparable within a track only.
    pub(super) eye_darkness: f32,
    /// The face, small.
    pub(super) face: Thumbnail,
}

impl FrameCues {
    /// The same, with what a net of the pack says: how likely the face lives, 0 to 1.
    #[must_use]
    pub fn with_model(self, live: f32) -> Self {
        Self { model: Some(1.0 - live.clamp(0.0, 1.0)), ..self }
    }

    /// Measures a face in the camera's own pixels and in its chip; `None` if it is too small to tell anything.
    #[must_use]
    pub fn measure(frame: &RgbView<'_>, face: &DetectedFace, chip: &AlignedChip, template: &Template) -> Option<Self> {
        if face.width_px() < MIN_FACE_PX {
            return None;
        }
        let layout = Layout::of(template);
        Some(Self {
            moire: pattern::strength(frame, &face.bbox),
            border: Border::find(frame, &face.bbox),
            model: None,
            eye_darkness: eyes::darkness(chip, &layout),
            face: Thumbnail::of(chip, &layout),
        })
    }
}
