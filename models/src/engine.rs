//! The steps strung together: find faces, look closer, align, judge, embed.
//!
//! ```no_run
//! use ostiary_models::engine::{EngineOptions, FaceEngine};
//! use ostiary_models::frame::RgbImage;
//! use ostiary_models::pack::Pack;
//!
//! let pack = Pack::load("models/packs/ostiary-default")?;
//! let mut engine = FaceEngine::load(&pack, &EngineOptions::default())?;
//! let frame = RgbImage::black(640, 480);
//! for face in engine.find_faces(frame.view())? {
//!     let face = engine.refine(frame.view(), &face)?;
//!     let chip = engine.chip(frame.view(), &face);
//!     let embedding = engine.embed(&chip)?;
//!     println!("{} values", embedding.dimension());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod detector;
mod embedder;
mod liveness;
mod photo;
mod scale;

use std::sync::Arc;

use ostiary_common::ids::PackId;

use crate::align::{self, AlignedChip};
use crate::detect::{DetectedFace, InputSize, OutputMismatch};
use crate::embed::{Embedding, EmbeddingError};
use crate::frame::{RgbImage, RgbView};
use crate::liveness::{FrameCues, LivenessRules};
use crate::pack::{Pack, Thresholds};
use crate::quality::FaceQuality;

pub use crate::inference::{EngineKernels, Kernels, KernelsSetting, NetKernels, NetworkError, NetworkStep};
pub(crate) use detector::DetectorNet;
pub(crate) use embedder::EmbedderNet;
pub(crate) use liveness::LivenessNet;

/// An engine cannot be made of a pack.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A net cannot be read or prepared.
    #[error("model pack {pack}: {source}")]
    Network {
        /// The pack.
        pack: PackId,
        /// Which net and why.
        source: NetworkError,
    },
}

/// A face cannot be found or embedded.
#[derive(Debug, thiserror::Error)]
pub enum InferenceError {
    /// A net could not be prepared or failed.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The detector's outputs are not of its family.
    #[error("the detector does not fit its family: {0}")]
    Detector(#[from] OutputMismatch),
    /// The embedder gave something else than `dimension` values.
    #[error("the embedder gave {found} values, the pack says {expected}")]
    Dimension {
        /// The pack's dimension.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// The embedder gave no direction.
    #[error("the embedder gave no usable vector: {0}")]
    Embedding(#[from] EmbeddingError),
    /// The liveness net gave no value for the class of living faces.
    #[error("the liveness net gave {found} values, none of them usable for class {class}")]
    Liveness {
        /// The class the pack names.
        class: usize,
        /// Values given.
        found: usize,
    },
    /// The chip is not of the embedder's size.
    #[error("the chip has a side of {found} pixels, the embedder takes {expected}")]
    ChipSide {
        /// The pack's side.
        expected: u32,
        /// The chip's.
        found: u32,
    },
}

/// How an engine is to be set up.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// Camera frames that will come, in pixels: the detector is prepared for them at load instead of at the
    /// first frame. Other sizes work too.
    pub expected_frame: Option<InputSize>,
    /// The most pixels the detector looks at in one frame; a larger frame is looked at more coarsely, and the
    /// smallest face found grows with it.
    pub max_detector_pixels: u32,
    /// What to compute the nets with.
    pub kernels: Kernels,
}

impl Default for EngineOptions {
    /// Frames of 640x480 expected; 512x288 pixels at most, what a 1280x720 frame is looked at with.
    fn default() -> Self {
        let expected_frame = Some(InputSize { width: 640, height: 480 });
        Self { expected_frame, max_detector_pixels: 512 * 288, kernels: Kernels::Auto }
    }
}

/// Runs a pack. A clone shares the models and has its own working memory: one clone a thread.
#[derive(Clone)]
pub struct FaceEngine {
    about: Arc<About>,
    detector: DetectorNet,
    embedder: EmbedderNet,
    liveness: Option<LivenessNet>,
}

/// What a pack says and every clone needs.
struct About {
    pack: PackId,
    thresholds: Thresholds,
    liveness: LivenessRules,
    options: EngineOptions,
}

impl FaceEngine {
    /// Reads and optimises the pack's nets, once.
    ///
    /// # Errors
    /// [`EngineError::Network`] if a net cannot be read or holds an operation that cannot be run.
    pub fn load(pack: &Pack, options: &EngineOptions) -> Result<Self, EngineError> {
        let failed = |source| EngineError::Network { pack: pack.id().clone(), source };
        let manifest = pack.manifest();
        let embedder = EmbedderNet::load(&manifest.embedder, &pack.embedder_path(), options.kernels).map_err(failed)?;
        let mut detector =
            DetectorNet::load(&manifest.detector, &pack.detector_path(), options.kernels).map_err(failed)?;
        let refine = detector.refine_size();
        let frame = options.expected_frame.map(|frame| scale::frame_input(&manifest.detector, frame, options));
        for size in frame.into_iter().chain([refine]) {
            detector.prepare(size).map_err(failed)?;
        }
        let liveness = pack.liveness_net().map(|(spec, path)| LivenessNet::load(spec, &path));
        let liveness = liveness.transpose().map_err(failed)?;
        let about = About {
            pack: pack.id().clone(),
            thresholds: pack.thresholds(),
            liveness: pack.liveness_rules(),
            options: *options,
        };
        Ok(Self { about: Arc::new(about), detector, embedder, liveness })
    }

    /// Which pack.
    #[must_use]
    pub fn pack_id(&self) -> &PackId {
        &self.about.pack
    }

    /// The pack's thresholds.
    #[must_use]
    pub fn thresholds(&self) -> Thresholds {
        self.about.thresholds
    }

    /// What the nets are computed with: for logs and reports.
    #[must_use]
    pub fn kernels(&self) -> EngineKernels {
        let (detector, embedder) = (self.detector.network().kernels(), self.embedder.kernels().clone());
        EngineKernels { detector, embedder }
    }

    /// From this score on a detection counts as a face by itself.
    #[must_use]
    pub fn score_threshold(&self) -> f32 {
        self.detector.spec().score_threshold
    }

    /// How many values an embedding has.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.embedder.dimension()
    }

    /// The faces of a camera frame, best first, in pixels of the frame. The frame is shrunk so far that a face
    /// of 60 pixels is just found (640x480 to 224x160, 1280x720 to 448x256): good for tracking;
    /// [`FaceEngine::refine`] a face before it is embedded.
    ///
    /// # Errors
    /// [`InferenceError`] if the detector fails, which a valid pack does not.
    pub fn find_faces(&mut self, frame: RgbView<'_>) -> Result<Vec<DetectedFace>, InferenceError> {
        self.find_faces_from(frame, 1.0)
    }

    /// As [`FaceEngine::find_faces`], and fainter ones: those that score at least `share` (0 to 1) of what the
    /// pack asks for. Good to go on following a face that was seen clearly before, not to begin with.
    ///
    /// # Errors
    /// [`InferenceError`] if the detector fails, which a valid pack does not.
    pub fn find_faces_from(&mut self, frame: RgbView<'_>, share: f32) -> Result<Vec<DetectedFace>, InferenceError> {
        let size = InputSize { width: frame.width(), height: frame.height() };
        let input = scale::frame_input(self.detector.spec(), size, &self.about.options);
        let least = self.detector.spec().score_threshold * share;
        self.detector.find(&frame, &frame.bounds(), input, least)
    }

    /// Whether frames of this size may be given halved: the detector looks at no more of them.
    #[must_use]
    pub fn looks_at_half(&self, frame: InputSize) -> bool {
        let input = scale::frame_input(self.detector.spec(), frame, &self.about.options);
        let whole = crate::geometry::Rect::new(0.0, 0.0, frame.width as f32, frame.height as f32);
        let map = crate::geometry::Letterbox::fit(&whole, input.width, input.height).as_similarity();
        crate::resample::is_from_half(&map)
    }

    /// As [`FaceEngine::find_faces_from`], in a frame that was halved on its way from the camera; faces are in pixels of
    /// the whole frame. For frames of which [`FaceEngine::looks_at_half`] says so; others are seen less sharply.
    ///
    /// # Errors
    /// [`InferenceError`] if the detector fails, which a valid pack does not.
    pub fn find_faces_in_half(&mut self, half: RgbView<'_>, share: f32) -> Result<Vec<DetectedFace>, InferenceError> {
        let size = InputSize { width: 2 * half.width(), height: 2 * half.height() };
        let input = scale::frame_input(self.detector.spec(), size, &self.about.options);
        let least = self.detector.spec().score_threshold * share;
        self.detector.find_in_half(&half, input, least)
    }

    /// A halved frame as the detector's input shows it, without running the net: for measuring the way there.
    #[must_use]
    pub fn input_from_half(&self, half: RgbView<'_>) -> RgbImage {
        let size = InputSize { width: 2 * half.width(), height: 2 * half.height() };
        let input = scale::frame_input(self.detector.spec(), size, &self.about.options);
        let map = detector::of_half(&half, input).as_similarity();
        crate::resample::draw_from_half(&half, &map, input.width, input.height)
    }

    /// The same of a whole frame.
    #[must_use]
    pub fn input_from(&self, frame: RgbView<'_>) -> RgbImage {
        let size = InputSize { width: frame.width(), height: frame.height() };
        let input = scale::frame_input(self.detector.spec(), size, &self.about.options);
        let map = crate::geometry::Letterbox::fit(&frame.bounds(), input.width, input.height).as_similarity();
        crate::resample::draw(&frame, &map, input.width, input.height)
    }

    /// Looks at one face again in a close crop: box and landmarks become several times more exact, which
    /// matters more for recognition than anything else. If the close look finds nothing, the face is given
    /// back as it was.
    ///
    /// # Errors
    /// [`InferenceError`] if the detector fails.
    pub fn refine(&mut self, frame: RgbView<'_>, face: &DetectedFace) -> Result<DetectedFace, InferenceError> {
        Ok(self.detector.look_closer(&frame, face)?.unwrap_or(*face))
    }

    /// As [`FaceEngine::find_faces`], and faces that fill much of the picture: for somebody who holds a telephone, or is
    /// asked to come close. Costs one small pass more.
    ///
    /// # Errors
    /// [`InferenceError`] if the detector fails.
    pub fn find_faces_up_to_near(&mut self, frame: RgbView<'_>) -> Result<Vec<DetectedFace>, InferenceError> {
        let usual = self.find_faces(frame)?;
        photo::add_near_faces(&mut self.detector, &frame, usual)
    }

    /// The faces of a still photo, of all sizes, largest first, refined. Takes several passes; for enrollment,
    /// not for frames.
    ///
    /// # Errors
    /// [`InferenceError`] if the detector fails.
    pub fn find_faces_in_photo(&mut self, photo: RgbView<'_>) -> Result<Vec<DetectedFace>, InferenceError> {
        photo::find_faces(&mut self.detector, &photo)
    }

    /// The aligned chip of a face, of the embedder's input size.
    #[must_use]
    pub fn chip(&self, frame: RgbView<'_>, face: &DetectedFace) -> AlignedChip {
        align::warp(&frame, &face.landmarks, self.embedder.template(), self.embedder.side())
    }

    /// How fit a face is, from its landmarks and its chip.
    #[must_use]
    pub fn quality(&self, face: &DetectedFace, chip: &AlignedChip) -> FaceQuality {
        FaceQuality::measure(face, chip, self.embedder.template())
    }

    /// What one look at a face, as the close look located it, tells about whether it is alive; `None` if the
    /// face is too small to tell anything.
    ///
    /// # Errors
    /// [`InferenceError`] if the pack's liveness model fails.
    pub fn liveness_cues(
        &mut self,
        frame: RgbView<'_>,
        face: &DetectedFace,
        chip: &AlignedChip,
    ) -> Result<Option<FrameCues>, InferenceError> {
        let cues = FrameCues::measure(&frame, face, chip, self.embedder.template());
        match (cues, &mut self.liveness) {
            (Some(cues), Some(net)) => Ok(Some(cues.with_model(net.live(&frame, face)?))),
            (cues, _) => Ok(cues),
        }
    }

    /// Where the pack draws liveness.
    #[must_use]
    pub fn liveness_rules(&self) -> LivenessRules {
        self.about.liveness
    }

    /// Embeds an aligned chip.
    ///
    /// # Errors
    /// [`InferenceError::ChipSide`] if the chip is of another pack; else if the embedder fails.
    pub fn embed(&mut self, chip: &AlignedChip) -> Result<Embedding, InferenceError> {
        self.embedder.embed(chip)
    }

    /// Embeds the chip of a still photo: the mean of the face and its mirror image, which is steadier and takes
    /// twice as long. For templates; a door has several looks to fuse instead.
    ///
    /// # Errors
    /// As [`FaceEngine::embed`].
    pub fn embed_still(&mut self, chip: &AlignedChip) -> Result<Embedding, InferenceError> {
        let (seen, mirrored) = (self.embedder.embed(chip)?, self.embedder.embed(&chip.mirrored())?);
        // Only if the two were opposite would there be no mean.
        Ok(Embedding::fuse([(&seen, 1.0), (&mirrored, 1.0)]).unwrap_or(seen))
    }
}

impl std::fmt::Debug for FaceEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FaceEngine({})", self.about.pack)
    }
}

/// An engine moves to the thread that uses it.
const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<FaceEngine>();
};
