//! The camera that takes every clip: pixels with an area, a lens that blurs a little, noise that grows with the
//! light, exposure that breathes, JPEG as webcams send it.

use std::io::Cursor;

use image::ImageFormat;
use image::codecs::jpeg::JpegEncoder;
use ostiary_models::frame::RgbImage;

use super::chance::Chance;

/// The frames' size in pixels.
const FRAME: (u32, u32) = (480, 360);
/// Pixels between the eyes: a face about 110 pixels wide.
pub const EYES_PX: f32 = 46.0;
/// Where the middle between the eyes lies.
const EYES_AT: (f32, f32) = (240.0, 150.0);

/// One camera.
pub struct Camera {
    noise: f32,
    breath: f32,
    light: f32,
    quality: u8,
}

impl Camera {
    pub fn new(chance: &mut Chance) -> Self {
        Self {
            noise: chance.between(1.0, 4.0),
            breath: chance.between(0.0, 0.03),
            light: chance.between(0.85, 1.1),
            quality: chance.between(80.0, 95.0) as u8,
        }
    }

    /// One frame of what `sample` shows at points of the view, in face coordinates; each pixel averages
    /// `fine` by `fine` points.
    pub fn take(&self, index: u32, fine: u32, chance: &mut Chance, sample: &dyn Fn(f32, f32) -> [f32; 3]) -> RgbImage {
        let sharp = exposed(fine, sample);
        let light = self.light * (1.0 + self.breath * (0.7 * index as f32).sin());
        let blurred = through_lens(&sharp);
        let bytes = blurred.iter().flat_map(|pixel| {
            let noise = chance.normal() * self.noise;
            pixel.map(|value| {
                let lit = value * light;
                // Colours are interpolated from neighbours, so that their noise goes together.
                (lit + noise * (0.6 + lit.max(0.0) / 255.0) + 0.5).clamp(0.0, 255.0) as u8
            })
        });
        self.sent(bytes.collect())
    }

    /// Through JPEG and back.
    fn sent(&self, bytes: Vec<u8>) -> RgbImage {
        let picture = image::RgbImage::from_raw(FRAME.0, FRAME.1, bytes).expect("three bytes for every pixel");
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, self.quality).encode_image(&picture).expect("a frame fits a JPEG");
        let decoded = image::load(Cursor::new(jpeg), ImageFormat::Jpeg).expect("what was just encoded");
        decoded.to_rgb8().try_into().expect("a decoded picture is whole")
    }
}

fn exposed(fine: u32, sample: &dyn Fn(f32, f32) -> [f32; 3]) -> Vec<[f32; 3]> {
    let place =
        |pixel: u32, part: u32, middle: f32| (pixel as f32 + (part as f32 + 0.5) / fine as f32 - middle) / EYES_PX;
    let pixel = |x: u32, y: u32| {
        let mut sum = [0.0; 3];
        for part in 0..fine * fine {
            let colour = sample(place(x, part % fine, EYES_AT.0), place(y, part / fine, EYES_AT.1));
            sum = std::array::from_fn(|c| sum[c] + colour[c]);
        }
        sum.map(|value| value / (fine * fine) as f32)
    };
    (0..FRAME.1).flat_map(|y| (0..FRAME.0).map(move |x| (x, y))).map(|(x, y)| pixel(x, y)).collect()
}

/// Blends each pixel with its neighbours, 1 6 1 in both directions.
fn through_lens(sharp: &[[f32; 3]]) -> Vec<[f32; 3]> {
    let (width, height) = (FRAME.0 as usize, FRAME.1 as usize);
    let blend = |a: [f32; 3], b: [f32; 3], c: [f32; 3]| -> [f32; 3] {
        std::array::from_fn(|i| (a[i] + 6.0 * b[i] + c[i]) / 8.0)
    };
    let at = |picture: &[[f32; 3]], x: usize, y: usize| picture[y.min(height - 1) * width + x.min(width - 1)];
    let level: Vec<_> = (0..width * height)
        .map(|index| (index % width, index / width))
        .map(|(x, y)| blend(at(sharp, x.saturating_sub(1), y), at(sharp, x, y), at(sharp, x + 1, y)))
        .collect();
    (0..width * height)
        .map(|index| (index % width, index / width))
        .map(|(x, y)| blend(at(&level, x, y.saturating_sub(1)), at(&level, x, y), at(&level, x, y + 1)))
        .collect()
}
