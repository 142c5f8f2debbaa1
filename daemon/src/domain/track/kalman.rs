//! Where a face is and where it goes: a Kalman filter for each of centre and size, with constant velocity.

use std::time::Duration;

use ostiary_models::geometry::{Point, Rect};

/// How exactly a clear detection gives a position, in widths of the face (standard deviation).
const CLEAR_NOISE: f32 = 0.06;
/// The same of a faint one.
const FAINT_NOISE: f32 = 0.15;
/// How people change their pace, in widths of the face per second, each second.
const AGILITY: f32 = 4.0;
/// The same for the size: people come nearer more steadily than they move sideways.
const SIZE_AGILITY: f32 = 1.0;
/// How fast someone who has just come into sight may move, widths per second.
const FIRST_SPEED: f32 = 2.5;

/// One coordinate and its velocity, with what is uncertain about them.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    value: f32,
    velocity: f32,
    /// Covariance: value, value with velocity, velocity.
    spread: [f32; 3],
}

impl Axis {
    fn new(value: f32, noise: f32, speed: f32) -> Self {
        Self { value, velocity: 0.0, spread: [noise * noise, 0.0, speed * speed] }
    }

    /// The state after `seconds`; `agility` is the standard deviation of the acceleration.
    fn after(self, seconds: f32, agility: f32) -> Self {
        let [a, b, c] = self.spread;
        let (t, q) = (seconds, agility * agility);
        let spread = [a + t * (2.0 * b + t * c) + q * t.powi(4) / 4.0, b + t * c + q * t.powi(3) / 2.0, c + q * t * t];
        Self { value: self.value + t * self.velocity, velocity: self.velocity, spread }
    }

    fn corrected(self, measured: f32, noise: f32) -> Self {
        let [a, b, c] = self.spread;
        let total = a + noise * noise;
        let (gain, gain_v) = (a / total, b / total);
        let error = measured - self.value;
        let spread = [(1.0 - gain) * a, (1.0 - gain) * b, c - gain_v * b];
        Self { value: self.value + gain * error, velocity: self.velocity + gain_v * error, spread }
    }

    /// The squared distance of a measurement in standard deviations.
    fn surprise(&self, measured: f32, noise: f32) -> f32 {
        (measured - self.value).powi(2) / (self.spread[0] + noise * noise)
    }
}

/// A face's box over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motion {
    x: Axis,
    y: Axis,
    width: Axis,
    height: Axis,
    at: Duration,
}

impl Motion {
    /// A face was first seen at `at`.
    pub fn new(at: Duration, bbox: &Rect) -> Self {
        let (unit, centre) = (bbox.width.max(1.0), bbox.centre());
        let place = |value| Axis::new(value, CLEAR_NOISE * unit, FIRST_SPEED * unit);
        let size = |value| Axis::new(value, CLEAR_NOISE * unit, FIRST_SPEED * unit / 4.0);
        Self { x: place(centre.x), y: place(centre.y), width: size(bbox.width), height: size(bbox.height), at }
    }

    /// The state expected at `at`, which is not before the last one.
    #[must_use]
    pub fn expected(&self, at: Duration) -> Self {
        let (seconds, unit) = (at.saturating_sub(self.at).as_secs_f32(), self.width.value.max(1.0));
        let (place, size) = (AGILITY * unit, SIZE_AGILITY * unit);
        Self {
            x: self.x.after(seconds, place),
            y: self.y.after(seconds, place),
            width: self.width.after(seconds, size),
            height: self.height.after(seconds, size),
            at: self.at.max(at),
        }
    }

    /// Corrects the expected state by a detection.
    pub fn correct(&mut self, bbox: &Rect, is_clear: bool) {
        let (noise, centre) = (noise(bbox, is_clear), bbox.centre());
        self.x = self.x.corrected(centre.x, noise);
        self.y = self.y.corrected(centre.y, noise);
        self.width = self.width.corrected(bbox.width, noise);
        self.height = self.height.corrected(bbox.height, noise);
    }

    /// How surprising a detection is at the expected state: the squared distance of its centre in standard
    /// deviations, of two dimensions.
    pub fn surprise(&self, bbox: &Rect, is_clear: bool) -> f32 {
        let (noise, centre) = (noise(bbox, is_clear), bbox.centre());
        self.x.surprise(centre.x, noise) + self.y.surprise(centre.y, noise)
    }

    /// The box.
    pub const fn bbox(&self) -> Rect {
        Rect::centred(Point::new(self.x.value, self.y.value), self.width.value, self.height.value)
    }
}

fn noise(bbox: &Rect, is_clear: bool) -> f32 {
    bbox.width.max(1.0) * if is_clear { CLEAR_NOISE } else { FAINT_NOISE }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Duration = Duration::from_millis(66);

    fn square(x: f32, side: f32) -> Rect {
        Rect::centred(Point::new(x, 100.0), side, side)
    }

    #[test]
    fn a_steady_walk_is_foreseen_through_a_gap_and_jitter() {
        let mut motion = Motion::new(Duration::ZERO, &square(100.0, 60.0));
        for n in 1..15 {
            let jitter = [2.0, -2.0, 1.0][n as usize % 3];
            motion = motion.expected(FRAME * n);
            motion.correct(&square(100.0 + 6.0 * n as f32 + jitter, 60.0), true);
        }
        let later = motion.expected(FRAME * 21);
        let expected = 100.0 + 6.0 * 21.0;
        assert!((later.bbox().centre().x - expected).abs() < 12.0, "{:?}", later.bbox());
        assert!(later.surprise(&square(expected, 60.0), true) < 1.0);
        assert!(later.surprise(&square(expected + 200.0, 60.0), true) > 4.0);
    }

    #[test]
    fn uncertainty_grows_with_time_and_shrinks_with_sight() {
        let motion = Motion::new(Duration::ZERO, &square(100.0, 60.0));
        let far = square(160.0, 60.0);
        let soon = motion.expected(FRAME).surprise(&far, true);
        let late = motion.expected(FRAME * 8).surprise(&far, true);
        assert!(soon > 4.0 * late, "{soon} {late}");
        let mut seen = motion.expected(FRAME);
        let before = seen.surprise(&far, true);
        seen.correct(&square(100.0, 60.0), true);
        assert!(seen.surprise(&far, true) > before);
    }
}
