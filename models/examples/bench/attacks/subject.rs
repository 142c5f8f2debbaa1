//! A photo with one face, read in face coordinates: origin between the eyes, unit the distance between them.

use std::io::Cursor;
use std::path::Path;

use image::ImageFormat;
use image::codecs::jpeg::JpegEncoder;
use ostiary_models::engine::FaceEngine;
use ostiary_models::frame::RgbImage;

use crate::Answer;

/// Pixels between the eyes that a source needs for a frame; more are averaged away.
const WANTED_EYES_PX: f32 = 90.0;

/// A face to be shown.
pub struct Subject {
    photo: image::RgbImage,
    middle: (f32, f32),
    /// One unit along the eyes, in pixels of the photo.
    across: (f32, f32),
}

impl Subject {
    /// The largest face of a photo, if any.
    pub fn find(engine: &mut FaceEngine, path: &Path) -> Answer<Option<Self>> {
        let photo = image::open(path)?.to_rgb8();
        let view: RgbImage = photo.clone().try_into()?;
        let Some(face) = engine.find_faces_in_photo(view.view())?.first().copied() else { return Ok(None) };
        let (right, left) = (face.landmarks.right_eye, face.landmarks.left_eye);
        let shrink = (WANTED_EYES_PX / right.distance(left)).min(1.0);
        let side = |length: u32| ((length as f32 * shrink).round() as u32).max(1);
        let photo = image::imageops::resize(
            &photo,
            side(photo.width()),
            side(photo.height()),
            image::imageops::FilterType::Triangle,
        );
        let middle = ((right.x + left.x) / 2.0 * shrink, (right.y + left.y) / 2.0 * shrink);
        let across = ((left.x - right.x) * shrink, (left.y - right.y) * shrink);
        Ok(Some(Self { photo, middle, across }))
    }

    /// The colour at a point of the face or around it, 0 to 255; the photo's edge goes on for ever.
    pub fn at(&self, x: f32, y: f32) -> [f32; 3] {
        let px = self.middle.0 + x * self.across.0 - y * self.across.1 - 0.5;
        let py = self.middle.1 + x * self.across.1 + y * self.across.0 - 0.5;
        let last = (self.photo.width() as f32 - 1.001, self.photo.height() as f32 - 1.001);
        let (px, py) = (px.clamp(0.0, last.0.max(0.0)), py.clamp(0.0, last.1.max(0.0)));
        let (left, top) = (px as u32, py as u32);
        let (right_share, lower_share) = (px - left as f32, py - top as f32);
        let pixel = |x: u32, y: u32| {
            self.photo.get_pixel(x.min(self.photo.width() - 1), y.min(self.photo.height() - 1)).0.map(f32::from)
        };
        let upper = blend(pixel(left, top), pixel(left + 1, top), right_share);
        blend(upper, blend(pixel(left, top + 1), pixel(left + 1, top + 1), right_share), lower_share)
    }

    /// The same, compressed hard at two thirds of its size.
    pub fn compressed(&self, quality: u8) -> Self {
        let side = |length: u32| (length * 2 / 3).max(8);
        let filter = image::imageops::FilterType::Triangle;
        let small = image::imageops::resize(&self.photo, side(self.photo.width()), side(self.photo.height()), filter);
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(&small).expect("a small picture fits a JPEG");
        let decoded = image::load(Cursor::new(bytes), ImageFormat::Jpeg).expect("what was just encoded").to_rgb8();
        let shrink = decoded.width() as f32 / self.photo.width() as f32;
        let scaled = |(x, y): (f32, f32)| (x * shrink, y * shrink);
        Self { photo: decoded, middle: scaled(self.middle), across: scaled(self.across) }
    }
}

/// A share of one colour, the rest of the other.
pub fn blend(one: [f32; 3], other: [f32; 3], share: f32) -> [f32; 3] {
    std::array::from_fn(|c| one[c] + (other[c] - one[c]) * share)
}
