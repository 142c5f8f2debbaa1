//! Looks a door would have had of a face on a photo: farther away, a little turned, in other light, with a sensor's
//! noise. Several of them, fused, stand for a visit; a photo alone is too good.

use crate::detect::DetectedFace;
use crate::frame::{RgbImage, RgbView};
use crate::geometry::{Point, Similarity};
use crate::metrics::Random;
use crate::resample::draw;

/// The camera that looks.
const FRAME: (u32, u32) = (640, 480);
/// Faces in the frame, in pixels: from just wide enough to be matched to near the door.
const FACE_PX: (f64, f64) = (70.0, 160.0);
/// A photo is never enlarged by more: what it does not show, no camera would have seen.
const MOST_ENLARGED: f64 = 1.3;

/// One visit: what stays the same over its looks.
#[derive(Clone, Debug)]
pub struct SimulatedVisit {
    random: Random,
    face_px: f64,
    roll_deg: f64,
    gain: f64,
    gamma: f64,
    noise: f64,
    blurred: bool,
}

impl SimulatedVisit {
    /// The same seed gives the same visit.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let face_px = random.between(FACE_PX.0.ln(), FACE_PX.1.ln()).exp();
        let (roll_deg, gain, gamma) = (random.between(-8.0, 8.0), random.between(0.65, 1.15), random.between(0.8, 1.3));
        let (noise, blurred) = (random.between(2.0, 7.0), random.unit() < 0.3);
        Self { random, face_px, roll_deg, gain, gamma, noise, blurred }
    }

    /// The next frame of the visit, with `face` of `photo` near its middle.
    #[must_use]
    pub fn look(&mut self, photo: RgbView<'_>, face: &DetectedFace) -> RgbImage {
        let random = &mut self.random;
        let native = f64::from(face.width_px().max(1.0));
        let scale = (self.face_px * random.between(0.9, 1.1) / native).min(MOST_ENLARGED);
        let degrees = self.roll_deg + random.between(-3.0, 3.0);
        let turned = Similarity::new(scale as f32, degrees as f32, 0.0, 0.0);
        let centre = turned.apply(face.bbox.centre());
        let (x, y) = (f64::from(FRAME.0) / 2.0, f64::from(FRAME.1) / 2.0);
        let target = Point::new((x + random.between(-60.0, 60.0)) as f32, (y + random.between(-40.0, 40.0)) as f32);
        let map = Similarity::new(scale as f32, degrees as f32, target.x - centre.x, target.y - centre.y);
        let mut frame = draw(&photo, &map, FRAME.0, FRAME.1);
        if self.blurred {
            frame = softened(&frame);
        }
        self.light_and_noise(&mut frame);
        frame
    }

    fn light_and_noise(&mut self, frame: &mut RgbImage) {
        let gain = self.gain * self.random.between(0.95, 1.05);
        let curve: Vec<f64> = (0..256).map(|v| 255.0 * gain * (f64::from(v) / 255.0).powf(self.gamma)).collect();
        for value in frame.as_raw_mut() {
            // The sum of three even draws is near enough to a normal one.
            let bits = self.random.bits();
            let even = |shift: u32| ((bits >> shift) & 0xFFFF) as f64 / 65_536.0 - 0.5;
            let noise = 2.0 * (even(0) + even(16) + even(32)) * self.noise;
            *value = (curve[usize::from(*value)] + noise).clamp(0.0, 255.0) as u8;
        }
    }
}

/// Each pixel the mean of itself, twice, and its right and lower neighbours: a slightly soft lens.
fn softened(frame: &RgbImage) -> RgbImage {
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let source = frame.as_raw();
    let mut soft = frame.clone();
    for y in 0..height - 1 {
        for at in 3 * y * width..3 * (y * width + width - 1) {
            let sum = 2 * u16::from(source[at]) + u16::from(source[at + 3]) + u16::from(source[at + 3 * width]);
            soft.as_raw_mut()[at] = (sum / 4) as u8;
        }
    }
    soft
}
