//! Reading one photo with the models: one usable face, or why not.

use std::sync::{Arc, Mutex, PoisonError};

use ostiary_common::wire::UnusableReason;
use ostiary_models::align::AlignedChip;
use ostiary_models::choose::{Choice, choose};
use ostiary_models::detect::DetectedFace;
use ostiary_models::embed::Embedding;
use ostiary_models::engine::{EngineOptions, FaceEngine, InferenceError, Kernels};
use ostiary_models::face_crop::FaceCrop;
use ostiary_models::frame::RgbImage;
use ostiary_models::geometry::Rect;
use ostiary_models::guided::{self, Glance, GuideRules, Seen};
use ostiary_models::pack::Pack;
use ostiary_models::photo;
use ostiary_models::quality::{FaceQuality, QualityGate};

use super::problem::PhotoProblem;

/// The most pixels a frame of a capture may have: what cameras of browsers give, and some more.
pub const MOST_FRAME_PIXELS: u64 = 4_000_000;

/// What was read of a photo.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Where the face is, in pixels of the upright photo.
    pub face: Rect,
    /// How good it is.
    pub quality: FaceQuality,
    /// The face as a vector.
    pub embedding: Embedding,
    /// The face with a margin, for model packs to come; `None` if none could be cut.
    pub crop: Option<FaceCrop>,
}

/// Reads photos; each thread has its own.
pub trait PhotoReader: Send {
    /// One usable face, or why there is none.
    ///
    /// # Errors
    /// If the models fail.
    fn read(&mut self, bytes: &[u8]) -> Result<Result<Reading, PhotoProblem>, InferenceError>;

    /// The face in a kept picture, which was good enough once: by another pack it is judged no more.
    ///
    /// # Errors
    /// If the models fail.
    fn recall(&mut self, crop: &FaceCrop) -> Result<Result<Reading, PhotoProblem>, InferenceError> {
        self.read(crop.as_jpeg())
    }

    /// What one frame of a moving picture shows, good or not; embedded, and the face cut out, where `rules` want it.
    ///
    /// # Errors
    /// If the models fail.
    fn glance(&mut self, frame: &RgbImage, rules: &GuideRules) -> Result<Seen<Option<FaceCrop>>, InferenceError>;

    /// Embeds a face that was taken of a frame, as one of a photo.
    ///
    /// # Errors
    /// If the models fail.
    fn embed(&mut self, chip: &AlignedChip) -> Result<Embedding, InferenceError>;
}

/// Makes a reader for a thread; an error says why it cannot.
pub type MakeReader = Arc<dyn Fn() -> Result<Box<dyn PhotoReader>, String> + Send + Sync>;

/// Readers over a model pack, which is loaded once, by the first thread that asks.
pub fn from_pack(pack: Pack, kernels: Kernels) -> MakeReader {
    // A clone shares the models; an engine itself may not be looked at by two threads at once.
    let loaded: Mutex<Option<Result<FaceEngine, String>>> = Mutex::default();
    let options = EngineOptions { expected_frame: None, kernels, ..EngineOptions::default() };
    Arc::new(move || {
        let load = || FaceEngine::load(&pack, &options);
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
            Err(error) => return Ok(Err(error.into())),
        };
        self.look(&picture)
    }

    fn recall(&mut self, crop: &FaceCrop) -> Result<Result<Reading, PhotoProblem>, InferenceError> {
        let picture = match photo::decode(crop.as_jpeg()) {
            Ok(picture) => picture,
            Err(error) => return Ok(Err(error.into())),
        };
        let view = picture.view();
        let faces = self.engine.find_faces_in_photo(view)?;
        // The picture was cut around the face that is meant; others may have come in at its edges.
        let middle = view.bounds().centre();
        let distance = |face: &DetectedFace| face.bbox.centre().distance(middle);
        let Some(face) = faces.into_iter().min_by(|a, b| distance(a).total_cmp(&distance(b))) else {
            return Ok(Err(PhotoProblem::NoFace));
        };
        let chip = self.engine.chip(view, &face);
        let quality = self.engine.quality(&face, &chip);
        let embedding = self.engine.embed_still(&chip)?;
        Ok(Ok(Reading { face: face.bbox, quality, embedding, crop: Some(crop.clone()) }))
    }

    fn glance(&mut self, frame: &RgbImage, rules: &GuideRules) -> Result<Seen<Option<FaceCrop>>, InferenceError> {
        let view = frame.view();
        let face = match guided::only_face(&self.engine.find_faces_up_to_near(view)?) {
            Ok(face) => self.engine.refine(view, &face)?,
            Err(count) => return Ok(Seen::no_single_face(count)),
        };
        let chip = self.engine.chip(view, &face);
        let quality = self.engine.quality(&face, &chip);
        let cues = rules.liveness.is_some().then(|| self.engine.liveness_cues(view, &face, &chip)).transpose()?;
        let embedding = rules.wants_embedding(&quality).then(|| self.engine.embed(&chip)).transpose()?;
        let keep = embedding.as_ref().and_then(|_| FaceCrop::cut(view, &face.bbox));
        Ok(Seen::One(Box::new(Glance { face, quality, cues: cues.flatten(), chip, embedding, keep })))
    }

    fn embed(&mut self, chip: &AlignedChip) -> Result<Embedding, InferenceError> {
        self.engine.embed_still(chip)
    }
}

/// Decodes a frame of a capture, which is looked at many times a second and may not be as large as a photo.
///
/// # Errors
/// [`PhotoProblem::Unreadable`] or [`PhotoProblem::TooLarge`].
pub fn decode_frame(bytes: &[u8]) -> Result<RgbImage, PhotoProblem> {
    let frame = photo::decode(bytes)?;
    let (width, height) = (frame.width(), frame.height());
    let is_too_large = u64::from(width) * u64::from(height) > MOST_FRAME_PIXELS;
    if is_too_large { Err(PhotoProblem::TooLarge { width, height }) } else { Ok(frame) }
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
        let embedding = self.engine.embed_still(&chip)?;
        let crop = FaceCrop::cut(picture.view(), &face.bbox);
        Ok(Ok(Reading { face: face.bbox, quality, embedding, crop }))
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

#[cfg(test)]
mod tests {
    use image::{DynamicImage, RgbImage as Picture, imageops};

    use super::*;

    const PACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/packs/ostiary-default");
    const PORTRAITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../e2e/media/portraits");

    fn portrait(name: &str) -> Picture {
        image::open(format!("{PORTRAITS}/{name}")).unwrap().into_rgb8()
    }

    fn jpeg(picture: Picture) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        DynamicImage::from(picture).write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
        bytes.into_inner()
    }

    fn beside(left: &Picture, right: &Picture) -> Picture {
        let mut both = Picture::new(left.width() + right.width(), left.height().max(right.height()));
        imageops::replace(&mut both, left, 0, 0);
        imageops::replace(&mut both, right, i64::from(left.width()), 0);
        both
    }

    #[test]
    fn the_default_pack_reads_real_photos() {
        let make = from_pack(Pack::load(PACK).unwrap(), Kernels::Auto);
        let mut reader = make().unwrap();
        let mut read = |picture: Picture| reader.read(&jpeg(picture)).unwrap();
        let (one, other) = (portrait("obama-2009.jpg"), portrait("biden-2010.jpg"));
        let first = read(one.clone()).unwrap();
        let later = read(portrait("obama-2012.jpg")).unwrap();
        let somebody_else = read(other.clone()).unwrap();
        assert!(first.embedding.similarity(&later.embedding) > 0.93, "the same person");
        assert!(first.embedding.similarity(&somebody_else.embedding) < 0.9, "another person");
        assert_eq!(read(beside(&one, &other)).unwrap_err(), PhotoProblem::SeveralFaces { count: 2 });
        assert_eq!(read(Picture::new(640, 480)).unwrap_err(), PhotoProblem::NoFace);
        let small = imageops::thumbnail(&one, one.width() / 8, one.height() / 8);
        let mut far = Picture::from_pixel(640, 480, image::Rgb([120, 120, 120]));
        imageops::replace(&mut far, &small, 300, 200);
        let refused = read(far).unwrap_err();
        assert!(matches!(refused, PhotoProblem::FaceTooSmall { .. } | PhotoProblem::NoFace), "{refused:?}");
    }
}
