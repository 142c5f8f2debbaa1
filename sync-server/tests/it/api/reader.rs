//! A photo reader that needs no models: what it finds is told by the picture's first pixel.

use std::time::Duration;

use ostiary_models::align::AlignedChip;
use ostiary_models::decide::Rule;
use ostiary_models::detect::{DetectedFace, Landmarks};
use ostiary_models::embed::Embedding;
use ostiary_models::engine::InferenceError;
use ostiary_models::face_crop::FaceCrop;
use ostiary_models::frame::RgbImage;
use ostiary_models::geometry::{Point, Rect};
use ostiary_models::guided::{Glance, GuideRules, Seen};
use ostiary_models::photo;
use ostiary_models::quality::{FaceQuality, HeadPose, QualityGate};
use ostiary_server::enroll::problem::PhotoProblem;
use ostiary_server::enroll::reader::{PhotoReader, Reading};

/// Values of an embedding.
pub const DIMENSION: usize = 4;

pub struct PixelReader;

impl PhotoReader for PixelReader {
    fn read(&mut self, bytes: &[u8]) -> Result<Result<Reading, PhotoProblem>, InferenceError> {
        let picture = match photo::decode(bytes) {
            Ok(picture) => picture,
            Err(problem) => return Ok(Err(problem.into())),
        };
        let first: [u8; 3] = *picture.as_raw().first_chunk().unwrap();
        Ok(match first {
            [0, 0, 0] => Err(PhotoProblem::NoFace),
            [255, 255, 255] => Err(PhotoProblem::SeveralFaces { count: 2 }),
            [r, g, b] => Ok(face([r, g, b])),
        })
    }

    /// As a photo; 8 pixels wide is frontal, 9 turned to the left, 10 to the right.
    fn glance(&mut self, frame: &RgbImage, rules: &GuideRules) -> Result<Seen<Option<FaceCrop>>, InferenceError> {
        let first: [u8; 3] = *frame.as_raw().first_chunk().unwrap();
        if first == [0, 0, 0] {
            return Ok(Seen::Nobody);
        }
        if first == [255, 255, 255] {
            return Ok(Seen::Several(2));
        }
        let yaw = [0.0, 28.0, -28.0][(frame.width() - 8) as usize % 3];
        let Reading { face: bbox, quality, embedding, crop } = face(first);
        let quality = FaceQuality { head: HeadPose { yaw, ..HeadPose::default() }, ..quality };
        let point = |x, y| Point::new(bbox.left + x, bbox.top + y);
        let (eyes, nose, mouth) = ((point(30.0, 40.0), point(70.0, 40.0)), point(50.0, 60.0), point(50.0, 80.0));
        let landmarks = Landmarks::with_mouth_centre(eyes.0, eyes.1, nose, mouth);
        let face = DetectedFace { bbox, score: 0.9, landmarks };
        let square = RgbImage::from_raw(8, 8, first.repeat(64)).unwrap();
        let chip = AlignedChip::from_picture(square).unwrap();
        let embedding = rules.wants_embedding(&quality).then_some(embedding);
        Ok(Seen::One(Box::new(Glance { face, quality, cues: None, chip, embedding, keep: crop })))
    }

    fn embed(&mut self, chip: &AlignedChip) -> Result<Embedding, InferenceError> {
        Ok(face(*chip.picture().as_raw().first_chunk().unwrap()).embedding)
    }
}

/// What a capture goes by: at once, since pictures do not move.
pub fn guide() -> GuideRules {
    let nothing = QualityGate {
        min_face_px: 80.0,
        min_sharpness: 0.0,
        min_exposure: 0.0,
        min_pose: 0.0,
        min_overall: 0.4,
        min_unoccluded: 0.0,
    };
    let rule = Rule { threshold: 0.95, margin: 0.0 };
    GuideRules { hold: Duration::ZERO, hold_looks: 2, ..GuideRules::new(nothing, rule) }
}

/// The face of a colour; like colours look alike.
fn face(colour: [u8; 3]) -> Reading {
    let values = colour.iter().map(|c| f32::from(*c)).chain([1.0]).collect();
    Reading {
        face: Rect::new(10.0, 20.0, 100.0, 100.0),
        quality: FaceQuality { overall: 0.9, face_px: 100.0, ..FaceQuality::default() },
        embedding: Embedding::from_raw(values).unwrap(),
        crop: FaceCrop::kept(picture(colour)),
    }
}

/// A PNG of one colour.
pub fn picture(colour: [u8; 3]) -> Vec<u8> {
    picture_of_width(colour, 8)
}

/// The same, of a width.
pub fn picture_of_width(colour: [u8; 3], width: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_pixel(width, 8, image::Rgb(colour));
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}
