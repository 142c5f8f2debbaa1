//! What the core needs of the outside: frames, someone who finds faces in them, and a disk.

mod attendant;
mod disk;

use std::time::{Duration, Instant};

use ostiary_models::align::AlignedChip;
use ostiary_models::detect::DetectedFace;
use ostiary_models::embed::Embedding;
use ostiary_models::frame::RgbView;
use ostiary_models::liveness::FrameCues;
use ostiary_models::quality::FaceQuality;

use crate::convert::RawPicture;

pub use attendant::{Attendant, Attended};
pub use disk::{ChunkKey, Disk, DiskError, Signer};

/// A frame as the source gave it.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The picture, not yet RGB.
    pub picture: RawPicture,
    /// When it was taken, on the source's own time line, which never goes backwards.
    pub at: Duration,
    /// When this program had it in hand.
    pub captured: Instant,
    /// Counts the source's frames.
    pub seq: u64,
}

/// What a source gives.
#[derive(Debug)]
pub enum Next {
    /// A frame.
    Frame(Frame),
    /// No more frames will come; only recorded sources end.
    End,
}

/// A source gives no frames.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub String);

impl SourceError {
    /// With what was being done.
    pub fn new(doing: impl std::fmt::Display, cause: impl std::fmt::Display) -> Self {
        Self(format!("{doing}: {cause}"))
    }
}

/// Frames that never reached this program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Missing in the driver's count.
    pub lost: u64,
    /// Marked by the driver as damaged.
    pub damaged: u64,
}

/// Where frames come from. Lives on the capture thread.
pub trait FrameSource {
    /// Waits for the next frame, never longer than the source's time-out.
    ///
    /// # Errors
    /// [`SourceError`]: the source is to be opened anew.
    fn next(&mut self) -> Result<Next, SourceError>;

    /// What the source is, for people: device, size, format.
    fn describe(&self) -> String;

    /// What was lost since this was last asked.
    fn losses(&mut self) -> Losses {
        Losses::default()
    }
}

/// A net failed; the face or frame is passed over.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FinderError(pub String);

/// A face looked at closely.
#[derive(Clone, Debug)]
pub struct CloseLook {
    /// The face, located more exactly.
    pub face: DetectedFace,
    /// Aligned for the embedder.
    pub chip: AlignedChip,
    /// How fit it is.
    pub quality: FaceQuality,
    /// What it tells about being alive, if that was wanted and can be told.
    pub cues: Option<FrameCues>,
}

/// Finds and embeds faces. One for each inference thread.
pub trait FaceFinder: Send {
    /// From this score on a detection counts as a face by itself.
    fn clear_score(&self) -> f32;

    /// The faces of a frame, located well enough for tracking; among them faint ones, below the clear score.
    ///
    /// # Errors
    /// [`FinderError`].
    fn find(&mut self, frame: RgbView<'_>) -> Result<Vec<DetectedFace>, FinderError>;

    /// Whether a frame of this size, halved, shows [`FaceFinder::find_in_half`] all that the whole would.
    fn looks_at_half(&self, width: u32, height: u32) -> bool;

    /// As [`FaceFinder::find`], in a frame of half the size; faces are in pixels of the whole.
    ///
    /// # Errors
    /// [`FinderError`].
    fn find_in_half(&mut self, half: RgbView<'_>) -> Result<Vec<DetectedFace>, FinderError>;

    /// Looks closely at one face; with `wants_cues`, for signs of life as well.
    ///
    /// # Errors
    /// [`FinderError`].
    fn look(&mut self, frame: RgbView<'_>, face: &DetectedFace, wants_cues: bool) -> Result<CloseLook, FinderError>;

    /// Embeds a face looked at.
    ///
    /// # Errors
    /// [`FinderError`].
    fn embed(&mut self, look: &CloseLook) -> Result<Embedding, FinderError>;
}
