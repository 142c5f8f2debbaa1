//! Why a photo is refused: a stable slug for programs, words for people.

use ostiary_common::wire::Angle;
use ostiary_models::photo::{self, PhotoError};
use ostiary_models::quality::FaceQuality;

/// Why a photo is refused.
#[derive(Clone, Debug, PartialEq)]
pub enum PhotoProblem {
    /// Not a picture we read, or a damaged one.
    Unreadable(String),
    /// More pixels than we decode.
    TooLarge {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// Nobody there.
    NoFace,
    /// More than one person could be meant.
    SeveralFaces {
        /// How many.
        count: usize,
    },
    /// Too few pixels across the face.
    FaceTooSmall {
        /// The face's width in pixels.
        found_px: f32,
        /// The least width.
        needed_px: f32,
    },
    /// Blurred, dark, over-exposed or turned away.
    QualityTooLow {
        /// What was measured.
        quality: FaceQuality,
        /// What to do about it.
        hint: &'static str,
    },
    /// Not the face of the person's other photos.
    AnotherFace {
        /// To the most alike of the person's templates, cosine.
        similarity: f32,
        /// What it should have been.
        limit: f32,
    },
    /// There are enough templates of this side, all better.
    EnoughOfAngle {
        /// Which side.
        angle: Angle,
        /// How many are kept.
        kept: usize,
    },
}

impl From<PhotoError> for PhotoProblem {
    fn from(error: PhotoError) -> Self {
        match error {
            PhotoError::Unreadable(why) => Self::Unreadable(why),
            PhotoError::TooLarge { width, height } => Self::TooLarge { width, height },
        }
    }
}

impl PhotoProblem {
    /// The stable name.
    pub const fn slug(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "image-unreadable",
            Self::TooLarge { .. } => "image-too-large",
            Self::NoFace => "no-face",
            Self::SeveralFaces { .. } => "several-faces",
            Self::FaceTooSmall { .. } => "face-too-small",
            Self::QualityTooLow { .. } => "quality-too-low",
            Self::AnotherFace { .. } => "another-face",
            Self::EnoughOfAngle { .. } => "enough-of-angle",
        }
    }

    /// The kind in words.
    pub const fn title(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "The image cannot be read",
            Self::TooLarge { .. } => "The image has too many pixels",
            Self::NoFace => "There is no face in the photo",
            Self::SeveralFaces { .. } => "There are several faces in the photo",
            Self::FaceTooSmall { .. } => "The face is too small",
            Self::QualityTooLow { .. } => "The photo is not good enough",
            Self::AnotherFace { .. } => "This is not the face of the person's other photos",
            Self::EnoughOfAngle { .. } => "There are enough photos from this side, all better",
        }
    }

    /// What happened, and what to do.
    pub fn detail(&self) -> String {
        match self {
            Self::Unreadable(why) => format!("Send a whole JPEG, PNG or WebP picture ({why})."),
            Self::TooLarge { width, height } => format!(
                "The photo is {width} x {height} pixels; send one of at most {} megapixels and {} pixels a side.",
                photo::MAX_PIXELS / 1_000_000,
                photo::MAX_SIDE
            ),
            Self::NoFace => "Send a photo that shows the person's face from the front, well lit.".into(),
            Self::SeveralFaces { count } => {
                format!("{count} faces were found; send a photo of this one person only, or cut the others off.")
            }
            Self::FaceTooSmall { found_px, needed_px } => format!(
                "The face is {found_px:.0} pixels wide; it must be at least {needed_px:.0}. Come closer or send a \
                 larger picture."
            ),
            Self::QualityTooLow { hint, .. } => format!("{hint} Then send another photo."),
            Self::AnotherFace { similarity, limit } => format!(
                "The face is alike by {similarity:.3} to the person's other photos, and should be by {limit:.3}. Send a \
                 photo of this person, or `insist=true` if it is."
            ),
            Self::EnoughOfAngle { angle, kept } => format!(
                "{kept} photos {} are kept, and this one is not better. Send one from another side.",
                from_side(*angle)
            ),
        }
    }
}

const fn from_side(angle: Angle) -> &'static str {
    match angle {
        Angle::Frontal => "from the front",
        Angle::Left => "of the left side",
        Angle::Right => "of the right side",
        Angle::Unknown => "of this kind",
    }
}
