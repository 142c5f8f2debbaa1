//! Why a clip is refused: a stable slug for programs, words for people.

use std::io;

use super::MOST_SECONDS;
use crate::enroll::desk::DeskError;

/// Why a clip could not be looked at, through no fault of its own.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    /// Another clip is being looked at.
    #[error("another clip is being looked at; try again in some seconds")]
    Busy,
    /// There is no decoder.
    #[error("clips need `{0}`, which is not installed; install ffmpeg (Debian: apt install ffmpeg) or send photos")]
    NoDecoder(&'static str),
    /// The clip cannot be kept while it is looked at.
    #[error("a clip could not be written down: {0}")]
    Disk(#[source] io::Error),
    /// The decoder cannot be started or read from.
    #[error("the decoder failed: {0}")]
    Decoder(#[source] io::Error),
    /// The models are busy, still loading, or broken.
    #[error(transparent)]
    Desk(#[from] DeskError),
}

/// Why a clip is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClipProblem {
    /// Not a file we take, by its first bytes.
    Unsupported,
    /// Damaged, or of a codec the decoder does not know.
    Unreadable,
    /// Sound only.
    NoVideo,
    /// Longer than we take.
    TooLong,
    /// More pixels than we decode.
    TooLarge {
        /// Width in pixels.
        width: u64,
        /// Height in pixels.
        height: u64,
    },
    /// Decoding took more time or memory than it may.
    TookTooLong,
    /// Nobody there.
    NoFace,
    /// More than one person.
    SeveralFaces,
    /// No picture is good enough.
    NotGoodEnough {
        /// What to do about it.
        hint: &'static str,
    },
}

impl ClipProblem {
    /// The stable name.
    pub const fn slug(&self) -> &'static str {
        match self {
            Self::Unsupported => "clip-unsupported",
            Self::Unreadable => "clip-unreadable",
            Self::NoVideo => "clip-without-video",
            Self::TooLong => "clip-too-long",
            Self::TooLarge { .. } => "clip-too-large",
            Self::TookTooLong => "clip-too-costly",
            Self::NoFace => "no-face",
            Self::SeveralFaces => "several-faces",
            Self::NotGoodEnough { .. } => "quality-too-low",
        }
    }

    /// The kind in words.
    pub const fn title(&self) -> &'static str {
        match self {
            Self::Unsupported => "This is no clip that is taken",
            Self::Unreadable => "The clip cannot be read",
            Self::NoVideo => "There is no video in the clip",
            Self::TooLong => "The clip is too long",
            Self::TooLarge { .. } => "The clip has too many pixels",
            Self::TookTooLong => "The clip is too costly to decode",
            Self::NoFace => "There is no face in the clip",
            Self::SeveralFaces => "There is more than one face in the clip",
            Self::NotGoodEnough { .. } => "The clip is not good enough",
        }
    }

    /// What happened, and what to do.
    pub fn detail(&self) -> String {
        match self {
            Self::Unsupported => "Send an MP4, MOV, WebM or AVI file.".into(),
            Self::Unreadable => {
                "The file is damaged, or its codec is not known here; record it anew as MP4 (H.264).".into()
            }
            Self::NoVideo => "The file holds no video, perhaps sound only; send one that shows the person.".into(),
            Self::TooLong => format!("Send at most {MOST_SECONDS} seconds; three to ten do best."),
            Self::TooLarge { width, height } => {
                format!("The clip is {width} x {height} pixels; send one of at most 4096 x 4096, 1280 x 720 does well.")
            }
            Self::TookTooLong => {
                "Decoding took more time or memory than it may; send a shorter or smaller clip.".into()
            }
            Self::NoFace => "Send a clip that shows the person's face, first from the front, well lit.".into(),
            Self::SeveralFaces => "Send a clip of this one person only.".into(),
            Self::NotGoodEnough { hint } => format!("{hint} Then send another clip."),
        }
    }
}
