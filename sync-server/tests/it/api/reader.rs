//! A photo reader that needs no models: what it finds is told by the picture's first pixel.

use ostiary_models::embed::Embedding;
use ostiary_models::engine::InferenceError;
use ostiary_models::geometry::Rect;
use ostiary_models::photo;
use ostiary_models::quality::FaceQuality;
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
}

/// The face of a colour; like colours look alike.
fn face(colour: [u8; 3]) -> Reading {
    let values = colour.iter().map(|c| f32::from(*c)).chain([1.0]).collect();
    Reading {
        face: Rect::new(10.0, 20.0, 100.0, 100.0),
        quality: FaceQuality { overall: 0.9, face_px: 100.0, ..FaceQuality::default() },
        embedding: Embedding::from_raw(values).unwrap(),
    }
}

/// A PNG of one colour.
pub fn picture(colour: [u8; 3]) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_pixel(8, 8, image::Rgb(colour));
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}
