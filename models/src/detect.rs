//! Faces in a picture: what a detector says of each, and how the output of each detector family is read.
//!
//! The decoders are pure: they take a net's outputs as numbers and give faces in pixels of the net's input.

mod blazeface;
mod scrfd;
mod suppress;
mod yunet;

use serde::Deserialize;

pub use suppress::{blend_overlapping, keep_best};

use crate::geometry::{Letterbox, Point, Rect};

/// A face found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DetectedFace {
    /// The box around the face, in pixels; may reach over the picture's edge.
    pub bbox: Rect,
    /// How sure the detector is, 0 to 1.
    pub score: f32,
    /// Eyes, nose and mouth, in pixels.
    pub landmarks: Landmarks,
}

/// The points every detector family gives. Right and left are the subject's: the right eye is on the left in
/// the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Landmarks {
    /// The subject's right eye.
    pub right_eye: Point,
    /// The subject's left eye.
    pub left_eye: Point,
    /// The tip of the nose.
    pub nose: Point,
    /// The mouth.
    pub mouth: Mouth,
}

/// The mouth, as the detector gives it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mouth {
    /// Its centre only.
    Centre(Point),
    /// Its corners, the subject's right and left.
    Corners {
        /// The subject's right corner.
        right: Point,
        /// The subject's left corner.
        left: Point,
    },
}

/// How a detector's outputs are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DetectorFamily {
    /// MediaPipe's BlazeFace, full range: `boxes` [1, N, 16] and `scores` [1, N, 1] (logits), one anchor for
    /// each 4x4 pixels.
    BlazefaceFullRange,
    /// YuNet: `cls`, `obj`, `bbox`, `kps` for strides 8, 16, 32.
    Yunet,
    /// SCRFD with five points: scores, boxes, points for strides 8, 16, 32, two anchors a cell.
    Scrfd,
}

/// The sides of a net's input, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InputSize {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// One output of a net.
#[derive(Clone, Copy, Debug)]
pub struct Output<'a> {
    /// The extent of each axis.
    pub shape: &'a [usize],
    /// The values, last axis fastest.
    pub values: &'a [f32],
}

/// A net's outputs are not those of its family.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OutputMismatch {
    /// Another number of outputs.
    #[error("{family:?} has {expected} outputs, the model has {found}")]
    Count {
        /// The family declared.
        family: DetectorFamily,
        /// How many it has.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// An output of another size.
    #[error("output {index} must hold {rows} x {columns} values at {}x{} input, its shape is {found:?}", input.width, input.height)]
    Shape {
        /// Which output, from 0.
        index: usize,
        /// The input the net ran at.
        input: InputSize,
        /// Anchors wanted.
        rows: usize,
        /// Values for each anchor.
        columns: usize,
        /// The shape found.
        found: Vec<usize>,
    },
}

impl DetectorFamily {
    /// Reads a net's outputs, given in the order of the graph: every anchor that scores above `threshold`,
    /// not yet suppressed, in pixels of the net's input.
    ///
    /// # Errors
    /// [`OutputMismatch`] if the outputs are not of this family.
    pub fn decode(
        self,
        outputs: &[Output<'_>],
        input: InputSize,
        threshold: f32,
    ) -> Result<Vec<DetectedFace>, OutputMismatch> {
        match self {
            Self::BlazefaceFullRange => blazeface::decode(outputs, input, threshold),
            Self::Yunet => yunet::decode(outputs, input, threshold),
            Self::Scrfd => scrfd::decode(outputs, input, threshold),
        }
    }

    /// Makes one face of those that overlap by more than `iou`, the way the family was trained for.
    #[must_use]
    pub fn suppress(self, faces: Vec<DetectedFace>, iou: f32) -> Vec<DetectedFace> {
        match self {
            Self::BlazefaceFullRange => blend_overlapping(faces, iou),
            Self::Yunet | Self::Scrfd => keep_best(faces, iou),
        }
    }

    /// The `index`-th output as rows of `columns` values, one row an anchor.
    fn rows<'a, const COLUMNS: usize>(
        outputs: &[Output<'a>],
        index: usize,
        input: InputSize,
        rows: usize,
    ) -> Result<&'a [[f32; COLUMNS]], OutputMismatch> {
        let output = outputs[index];
        let (found, rest) = output.values.as_chunks::<COLUMNS>();
        if found.len() == rows && rest.is_empty() && output.shape.last() == Some(&COLUMNS) {
            return Ok(found);
        }
        Err(OutputMismatch::Shape { index, input, rows, columns: COLUMNS, found: output.shape.to_vec() })
    }

    fn expect_count(self, outputs: &[Output<'_>], expected: usize) -> Result<(), OutputMismatch> {
        let found = outputs.len();
        if found == expected { Ok(()) } else { Err(OutputMismatch::Count { family: self, expected, found }) }
    }
}

impl InputSize {
    /// How many cells of `stride` pixels lie side by side, and how many above each other.
    const fn cells(self, stride: u32) -> (usize, usize) {
        ((self.width / stride) as usize, (self.height / stride) as usize)
    }
}

impl Landmarks {
    /// From the four points BlazeFace gives.
    #[must_use]
    pub const fn with_mouth_centre(right_eye: Point, left_eye: Point, nose: Point, mouth: Point) -> Self {
        Self { right_eye, left_eye, nose, mouth: Mouth::Centre(mouth) }
    }

    /// The centre of the mouth.
    #[must_use]
    pub const fn mouth_centre(&self) -> Point {
        match self.mouth {
            Mouth::Centre(centre) => centre,
            Mouth::Corners { right, left } => right.midpoint(left),
        }
    }

    /// Distance between the eyes, in pixels.
    #[must_use]
    pub fn inter_eye_px(&self) -> f32 {
        self.right_eye.distance(self.left_eye)
    }

    /// The same points somewhere else.
    #[must_use]
    pub fn map(&self, f: impl Fn(Point) -> Point) -> Self {
        let mouth = match self.mouth {
            Mouth::Centre(centre) => Mouth::Centre(f(centre)),
            Mouth::Corners { right, left } => Mouth::Corners { right: f(right), left: f(left) },
        };
        Self { right_eye: f(self.right_eye), left_eye: f(self.left_eye), nose: f(self.nose), mouth }
    }

    /// Five points in the order right eye, left eye, nose, right and left corner of the mouth.
    const fn from_five(points: [Point; 5]) -> Self {
        let [right_eye, left_eye, nose, right, left] = points;
        Self { right_eye, left_eye, nose, mouth: Mouth::Corners { right, left } }
    }
}

impl DetectedFace {
    /// From pixels of a net's input to pixels of the picture.
    #[must_use]
    pub fn to_picture(&self, letterbox: &Letterbox) -> Self {
        Self {
            bbox: letterbox.rect_to_picture(&self.bbox),
            score: self.score,
            landmarks: self.landmarks.map(|p| letterbox.to_picture(p)),
        }
    }

    /// Width of the box in pixels: what "a face of 60 pixels" means everywhere in Ostiary.
    #[must_use]
    pub const fn width_px(&self) -> f32 {
        self.bbox.width
    }

    fn is_finite(&self) -> bool {
        let points = [self.landmarks.right_eye, self.landmarks.left_eye, self.landmarks.nose];
        let edges = [self.bbox.left, self.bbox.top, self.bbox.width, self.bbox.height];
        let mouth = self.landmarks.mouth_centre();
        edges.iter().all(|value| value.is_finite())
            && points.iter().chain([&mouth]).all(|p| p.x.is_finite() && p.y.is_finite())
    }
}
