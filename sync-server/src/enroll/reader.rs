//! Reading one photo with the models: one usable face, or why not.

use std::sync::{Arc, Mutex, PoisonError};

use ostiary_common::wire::UnusableReason;
use ostiary_models::embed::Embedding;
use ostiary_models::engine::{EngineOptions, FaceEngine, InferenceError};
use ostiary_models::frame::RgbImage;
use ostiary_models::geometry::Rect;
use ostiary_models::pack::Pack;
use ostiary_models::quality::{FaceQuality, QualityGate};

use super::choose::{Choice, choose};
use super::photo;
use super::problem::PhotoProblem;

/// What was read of a photo.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Where the face is, in pixels of the upright photo.
    pub face: Rect,
    /// How good it is.
    pub quality: FaceQuality,
    /// The face as a vector.
    pub embedding: Embedding,
}

/// Reads photos; each thread has its own.
pub trait PhotoReader: Send {
    /// One usable face, or why there is none.
    ///
    /// # Errors
    /// If the models fail.
    fn read(&mut self, bytes: &[u8]) -> Result<Result<Reading, PhotoProblem>, InferenceError>;
}

/// Makes a reader for a thread; an error says why it cannot.
pub type MakeReader = Arc<dyn Fn() -> Result<Box<dyn PhotoReader>, String> + Send + Sync>;

/// Readers over a model pack, which is loaded once, by the first thread that asks.
pub fn from_pack(pack: Pack) -> MakeReader {
    // A clone shares the models; an engine itself may not be looked at by two threads at once.
    let loaded: Mutex<Option<Result<FaceEngine, String>>> = Mutex::default();
    Arc::new(move || {
        let load = || FaceEngine::load(&pack, &EngineOptions { expected_frame: None, ..EngineOptions::default() });
        let mut loaded = loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let engine = loaded.get_or_insert_with(|| load().map_err(|e| e.to_string())).clone()?;
        let gate = pack.thresholds().enroll_gate();
        Ok(Box::new(EngineReader { engine, gate }))
    })
}

struct EngineReader {
    engine: FaceEngine,
    gate: QualityGate,
}

impl PhotoReader for EngineReader {
    fn read(&mut self, bytes: &[u8]) -> Result<Result<Reading, PhotoProblem>, InferenceError> {
        let picture = match photo::decode(bytes) {
            Ok(picture) => picture,
            Err(problem) => return Ok(Err(problem)),
        };
        self.look(&picture)
    }
}

impl EngineReader {
    fn look(&mut self, picture: &RgbImage) -> Result<Result<Reading, PhotoProblem>, InferenceError> {
        let faces = self.engine.find_faces_in_photo(picture.view())?;
        let widths: Vec<f32> = faces.iter().map(|face| face.width_px()).collect();
        let face = match choose(&widths) {
            Choice::Face(index) => faces[index],
            Choice::Nobody => return Ok(Err(PhotoProblem::NoFace)),
            Choice::Several(count) => return Ok(Err(PhotoProblem::SeveralFaces { count })),
        };
        let chip = self.engine.chip(picture.view(), &face);
        let quality = self.engine.quality(&face, &chip);
        if let Some(problem) = judge(&quality, &self.gate) {
            return Ok(Err(problem));
        }
        let embedding = self.engine.embed(&chip)?;
        Ok(Ok(Reading { face: face.bbox, quality, embedding }))
    }
}

/// What makes a face unfit to be enrolled.
fn judge(quality: &FaceQuality, gate: &QualityGate) -> Option<PhotoProblem> {
    Some(match quality.problem(gate)? {
        UnusableReason::TooSmall => {
            PhotoProblem::FaceTooSmall { found_px: quality.face_px, needed_px: gate.min_face_px }
        }
        reason => PhotoProblem::QualityTooLow { quality: *quality, hint: quality.hint(reason) },
    })
}
