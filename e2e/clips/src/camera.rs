//! The camera: a canvas of light, and how it becomes a JPEG with noise.

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

/// A camera at a door.
#[derive(Clone, Debug)]
pub struct Camera {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Frames per second.
    pub fps: u32,
    /// Share of a frame's time the shutter is open.
    pub shutter: f32,
    /// Standard deviation of the sensor's noise, in grey levels of 255.
    pub noise: f32,
    /// JPEG quality, 1 to 100.
    pub quality: u8,
    /// Everything random follows from it.
    pub seed: u64,
}

impl Default for Camera {
    fn default() -> Self {
        Self { width: 640, height: 480, fps: 15, shutter: 0.3, noise: 3.0, quality: 85, seed: 1 }
    }
}

impl Camera {
    /// A number from 0 to 1 that follows from seed, visit and purpose.
    #[must_use]
    pub fn phase(&self, salt: u64, purpose: u64) -> f32 {
        unit(mix(self.seed ^ salt.rotate_left(20) ^ purpose.rotate_left(40)))
    }

    /// Adds noise and makes the JPEG. `number` is the frame's, so that no two frames have the same noise.
    #[must_use]
    pub fn develop(&self, canvas: &Canvas, number: u64) -> Vec<u8> {
        let mut state = mix(self.seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15)) | 1;
        let mut noisy = |value: f32| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            // The sum of four uniform numbers is near enough to a normal one.
            let sum: u64 = (0..4).map(|i| (state >> (16 * i)) & 0xFFFF).sum();
            let normal = (sum as f32 / 65_535.0 - 2.0) * 1.732;
            normal.mul_add(self.noise, value).clamp(0.0, 255.0) as u8
        };
        let bytes: Vec<u8> = canvas.pixels.iter().flatten().map(|&value| noisy(value)).collect();
        let mut jpeg = Vec::with_capacity(64 * 1024);
        JpegEncoder::new_with_quality(&mut jpeg, self.quality)
            .encode(&bytes, canvas.width, canvas.height, ExtendedColorType::Rgb8)
            .expect("a canvas of the right size always becomes a JPEG in memory");
        jpeg
    }
}

/// Light falling on the sensor: RGB, 0 to 255, not yet rounded.
#[derive(Clone, Debug)]
pub struct Canvas {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    pixels: Vec<[f32; 3]>,
}

impl Canvas {
    /// Paints every pixel.
    pub fn paint(width: u32, height: u32, color: impl Fn(u32, u32) -> [f32; 3]) -> Self {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| color(x, y)).collect();
        Self { width, height, pixels }
    }

    /// Lays a colour over a pixel.
    pub fn blend(&mut self, x: u32, y: u32, color: [f32; 3], alpha: f32) {
        let pixel = &mut self.pixels[(y * self.width + x) as usize];
        for (channel, new) in pixel.iter_mut().zip(color) {
            *channel = (new - *channel).mul_add(alpha, *channel);
        }
    }

    /// Makes everything brighter or darker by a factor.
    pub fn light(&mut self, factor: f32) {
        self.pixels.iter_mut().flatten().for_each(|value| *value *= factor);
    }

    /// Mixes another picture in by a share.
    pub fn mix(&mut self, other: &Self, share: f32) {
        for (mine, theirs) in self.pixels.iter_mut().flatten().zip(other.pixels.iter().flatten()) {
            *mine = (theirs - *mine).mul_add(share, *mine);
        }
    }
}

/// Spreads a number's bits (the finaliser of SplitMix64).
pub const fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// A number from 0 to 1 of a number's upper bits.
pub fn unit(x: u64) -> f32 {
    (x >> 40) as f32 / (1u64 << 24) as f32
}
