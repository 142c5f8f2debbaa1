//! `pack.toml`: what a pack says of itself.

use ostiary_common::ids::PackId;
use serde::Deserialize;

use super::liveness::LivenessSpec;
use crate::align::Template;
use crate::calibration::CalibrationTable;
use crate::decide::Rule;
use crate::detect::DetectorFamily;
use crate::geometry::Point;
use crate::quality::QualityGate;

/// The manifest's file name.
pub const MANIFEST_FILE: &str = "pack.toml";
/// The manifest format this program reads.
pub const MANIFEST_FORMAT: u32 = 1;

/// The whole manifest.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackManifest {
    /// [`MANIFEST_FORMAT`].
    pub format: u32,
    /// Name and version, `name@version`; to be changed whenever an embedding would come out differently.
    pub id: PackId,
    /// For people, one line.
    #[serde(default)]
    pub description: String,
    /// The net that finds faces.
    pub detector: DetectorSpec,
    /// The net that makes embeddings.
    pub embedder: EmbedderSpec,
    /// Where decisions are drawn.
    pub thresholds: Thresholds,
    /// What similarities mean, if it was measured: thresholds can then be had from a target.
    #[serde(default)]
    pub calibration: Option<CalibrationTable>,
    /// Where liveness is drawn, and a net that judges it.
    #[serde(default)]
    pub liveness: LivenessSpec,
    /// What the embedder made of the test picture where the pack was signed: every other machine must come to the same.
    #[serde(default)]
    pub golden: Option<Golden>,
}

/// What an embedder makes of the test picture.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// The embedding, unit length.
    pub embedding: Vec<f32>,
    /// Least similarity (cosine) of what another machine makes of it; rounding differs from processor to processor.
    #[serde(default = "nearly_one")]
    pub least_similarity: f32,
}

/// A model file and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// File name within the pack's folder.
    pub file: String,
    /// SHA-256 of the file, 64 hexadecimal digits.
    pub sha256: String,
    /// The licence of the weights, as an SPDX identifier.
    #[serde(default)]
    pub licence: String,
    /// The licence's text within the pack's folder.
    #[serde(default)]
    pub licence_file: String,
    /// Where the weights come from.
    #[serde(default)]
    pub source: String,
}

/// The order of the colours a net wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColorOrder {
    /// Red first.
    #[default]
    Rgb,
    /// Blue first.
    Bgr,
}

/// The detector: its file, family and pre-processing. The net's input is `(value - mean) / std` of 8-bit
/// colours, [1, 3, height, width], and must run at any sides that are multiples of `side_multiple`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectorSpec {
    /// The file.
    pub model: ModelFile,
    /// How its outputs are read.
    pub family: DetectorFamily,
    /// Order of colours.
    #[serde(default)]
    pub color: ColorOrder,
    /// Taken away from each colour, in the net's order.
    #[serde(default)]
    pub mean: [f32; 3],
    /// What each colour is divided by.
    #[serde(default = "ones")]
    pub std: [f32; 3],
    /// Least score of a face in a whole picture, 0 to 1.
    #[serde(default = "half")]
    pub score_threshold: f32,
    /// Least score when one face is looked at again in a close crop, 0 to 1.
    #[serde(default = "three_tenths")]
    pub refine_score_threshold: f32,
    /// Faces that overlap by more are one, 0 to 1.
    #[serde(default = "three_tenths")]
    pub nms_iou: f32,
    /// Both sides of the input must be multiples of this, in pixels.
    #[serde(default = "thirty_two")]
    pub side_multiple: u32,
    /// The side of the square input for the second look, in pixels.
    #[serde(default = "refine_side")]
    pub refine_side: u32,
    /// Narrowest face the net finds reliably, in pixels of its input.
    #[serde(default = "smallest_face_px")]
    pub smallest_face_px: f32,
    /// Widest face the net finds reliably, in pixels of its input.
    #[serde(default = "largest_face_px")]
    pub largest_face_px: f32,
}

/// What kind of net makes the embeddings; decides the default template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum EmbedderFamily {
    /// dlib's ResNet with its own chip geometry.
    #[serde(rename = "dlib-resnet")]
    DlibResnet,
    /// Any net trained on faces aligned like `ArcFace`'s, 112x112 or a multiple.
    #[serde(rename = "arcface-112")]
    Arcface112,
}

/// The embedder: its file, family and pre-processing. The net's input is `(value - mean) / std` of 8-bit
/// colours, [1, 3, `input_side`, `input_side`]; its output has `dimension` values.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbedderSpec {
    /// The file.
    pub model: ModelFile,
    /// What kind of net.
    pub family: EmbedderFamily,
    /// How many values an embedding has.
    pub dimension: usize,
    /// The side of the aligned chip, in pixels.
    pub input_side: u32,
    /// Order of colours.
    #[serde(default)]
    pub color: ColorOrder,
    /// Taken away from each colour, in the net's order.
    #[serde(default)]
    pub mean: [f32; 3],
    /// What each colour is divided by.
    #[serde(default = "ones")]
    pub std: [f32; 3],
    /// Where right eye, left eye, nose tip and mouth centre go in the chip; the family's own if absent.
    #[serde(default)]
    pub template_four: Option<[[f32; 2]; 4]>,
    /// Where right eye, left eye, nose tip and the right and left corner of the mouth go; used with detectors
    /// that give five points; the family's own if absent.
    #[serde(default)]
    pub template_five: Option<[[f32; 2]; 5]>,
}

/// Where decisions are drawn. Similarities are cosines.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Least similarity of a match.
    #[serde(rename = "match")]
    pub match_threshold: f32,
    /// For doors where a wrong match costs more than a missed one.
    pub strict: f32,
    /// For doors where a missed match costs more than a wrong one.
    pub lenient: f32,
    /// Least distance in similarity to the second person.
    pub margin: f32,
    /// Least width of a face to be matched, in camera pixels.
    pub min_face_px: f32,
    /// Least width of a face to be enrolled, in pixels of the photo.
    pub enroll_min_face_px: f32,
    /// Least overall quality to be matched, 0 to 1.
    pub min_quality: f32,
    /// Least overall quality to be enrolled, 0 to 1.
    pub enroll_min_quality: f32,
}

impl Thresholds {
    /// What a single shot must reach to count.
    #[must_use]
    pub const fn rule(&self) -> Rule {
        Rule { threshold: self.match_threshold, margin: self.margin }
    }

    /// What a face must reach to be matched at a door.
    #[must_use]
    pub const fn match_gate(&self) -> QualityGate {
        QualityGate {
            min_face_px: self.min_face_px,
            min_sharpness: 0.15,
            min_exposure: 0.25,
            min_pose: 0.25,
            min_overall: self.min_quality,
            min_unoccluded: 0.25,
        }
    }

    /// What a face must reach to become a template.
    #[must_use]
    pub const fn enroll_gate(&self) -> QualityGate {
        QualityGate {
            min_face_px: self.enroll_min_face_px,
            min_sharpness: 0.2,
            min_exposure: 0.35,
            min_pose: 0.3,
            min_overall: self.enroll_min_quality,
            min_unoccluded: 0.35,
        }
    }
}

impl EmbedderSpec {
    /// Where the landmarks go in the chip.
    #[must_use]
    pub fn template(&self) -> Template {
        let scale = self.input_side as f32 / self.family.own_side();
        let own = |points: [f32; 2]| Point::new(points[0] * scale, points[1] * scale);
        let given = |[x, y]: [f32; 2]| Point::new(x, y);
        let five = match (self.template_five, self.template_four) {
            (Some(five), _) => Some(five.map(given)),
            // A template of one's own for four points leaves the family's five points meaningless.
            (None, Some(_)) => None,
            (None, None) => Some(self.family.five().map(own)),
        };
        let four = match (self.template_four, self.template_five) {
            (Some(four), _) => four.map(given),
            (None, Some(five)) => four_of(five.map(given)),
            (None, None) => self.family.four().map(own),
        };
        Template { four, five }
    }
}

impl EmbedderFamily {
    const fn own_side(self) -> f32 {
        match self {
            Self::DlibResnet => 150.0,
            Self::Arcface112 => 112.0,
        }
    }

    /// Fitted to where detectors put their points on faces that dlib's own predictor had aligned.
    const fn four(self) -> [[f32; 2]; 4] {
        match self {
            Self::DlibResnet => [[47.06, 46.78], [100.94, 46.78], [74.0, 80.24], [74.0, 104.91]],
            Self::Arcface112 => [[38.29, 51.70], [73.53, 51.50], [56.03, 71.74], [56.14, 92.285]],
        }
    }

    const fn five(self) -> [[f32; 2]; 5] {
        match self {
            Self::DlibResnet => [[46.22, 45.12], [101.78, 45.12], [74.0, 77.67], [49.11, 100.03], [98.89, 100.03]],
            Self::Arcface112 => [[38.29, 51.70], [73.53, 51.50], [56.03, 71.74], [41.55, 92.37], [70.73, 92.20]],
        }
    }
}

const fn four_of([right_eye, left_eye, nose, right, left]: [Point; 5]) -> [Point; 4] {
    [right_eye, left_eye, nose, right.midpoint(left)]
}

const fn ones() -> [f32; 3] {
    [1.0; 3]
}

const fn nearly_one() -> f32 {
    0.999
}

const fn half() -> f32 {
    0.5
}

const fn three_tenths() -> f32 {
    0.3
}

const fn thirty_two() -> u32 {
    32
}

const fn refine_side() -> u32 {
    192
}

const fn smallest_face_px() -> f32 {
    20.0
}

const fn largest_face_px() -> f32 {
    130.0
}
