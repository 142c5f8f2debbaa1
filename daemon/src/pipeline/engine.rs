//! The model pack's engine as a [`FaceFinder`].

use ostiary_models::detect::{DetectedFace, InputSize};
use ostiary_models::embed::Embedding;
use ostiary_models::engine::FaceEngine;
use ostiary_models::frame::RgbView;

use crate::ports::{CloseLook, FaceFinder, FinderError};

/// One engine, for one thread.
pub struct EngineFinder(pub FaceEngine);

fn failed(error: impl std::fmt::Display) -> FinderError {
    FinderError(error.to_string())
}

/// Faint faces are looked for down to this share of the score that a clear one has.
const FAINT: f32 = 0.5;

impl FaceFinder for EngineFinder {
    fn clear_score(&self) -> f32 {
        self.0.score_threshold()
    }

    fn find(&mut self, frame: RgbView<'_>) -> Result<Vec<DetectedFace>, FinderError> {
        self.0.find_faces_from(frame, FAINT).map_err(failed)
    }

    fn looks_at_half(&self, width: u32, height: u32) -> bool {
        self.0.looks_at_half(InputSize { width, height })
    }

    fn find_in_half(&mut self, half: RgbView<'_>) -> Result<Vec<DetectedFace>, FinderError> {
        self.0.find_faces_in_half(half, FAINT).map_err(failed)
    }

    fn look(&mut self, frame: RgbView<'_>, face: &DetectedFace, wants_cues: bool) -> Result<CloseLook, FinderError> {
        let face = self.0.refine(frame, face).map_err(failed)?;
        let chip = self.0.chip(frame, &face);
        let quality = self.0.quality(&face, &chip);
        let cues = if wants_cues { self.0.liveness_cues(frame, &face, &chip).map_err(failed)? } else { None };
        Ok(CloseLook { face, chip, quality, cues })
    }

    fn embed(&mut self, look: &CloseLook) -> Result<Embedding, FinderError> {
        self.0.embed(&look.chip).map_err(failed)
    }
}
