//! How far a face moved as a whole, in the picture.

use crate::detect::Landmarks;
use crate::geometry::Point;

/// Movement so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moved {
    eyes_px: Range,
    x: Range,
    y: Range,
    roll: Range,
}

impl Moved {
    pub(super) fn take(&mut self, landmarks: &Landmarks) {
        let (right, left) = (landmarks.right_eye, landmarks.left_eye);
        let middle: Point = right.midpoint(left).midpoint(landmarks.mouth_centre());
        self.eyes_px.take(landmarks.inter_eye_px());
        self.x.take(middle.x);
        self.y.take(middle.y);
        self.roll.take((left.y - right.y).atan2(left.x - right.x).to_degrees());
    }

    /// 1 is a fifth of the distance between the eyes to a side, a sixth nearer, or 5 degrees of roll.
    pub(super) fn amount(&self) -> f32 {
        let eyes = self.eyes_px.high().max(1.0);
        let across = self.x.width().hypot(self.y.width()) / (0.2 * eyes);
        let nearer = self.eyes_px.width() / (eyes / 6.0);
        across.max(nearer).max(self.roll.width() / 5.0)
    }
}

/// The least and the largest value met.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    low: f32,
    high: f32,
}

impl Default for Range {
    fn default() -> Self {
        Self { low: f32::INFINITY, high: f32::NEG_INFINITY }
    }
}

impl Range {
    pub(super) const fn take(&mut self, value: f32) {
        self.low = self.low.min(value);
        self.high = self.high.max(value);
    }

    pub(super) const fn high(&self) -> f32 {
        self.high
    }

    /// 0 if nothing was met.
    pub(super) const fn width(&self) -> f32 {
        (self.high - self.low).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Similarity;

    #[test]
    fn movement_is_measured_in_eye_distances() {
        let face = [(0.0, 0.0), (50.0, 0.0), (25.0, 30.0), (25.0, 55.0)].map(|(x, y)| Point::new(x, y));
        let check = |map: Similarity, expected: f32| {
            let mut moved = Moved::default();
            for map in [Similarity::new(1.0, 0.0, 0.0, 0.0), map] {
                let [right, left, nose, mouth] = face.map(|p| map.apply(p));
                moved.take(&Landmarks::with_mouth_centre(right, left, nose, mouth));
            }
            assert!((moved.amount() - expected).abs() < 0.1, "{map:?}: {}", moved.amount());
        };
        check(Similarity::new(1.0, 0.0, 0.0, 0.0), 0.0);
        check(Similarity::new(1.0, 0.0, 10.0, 0.0), 1.0);
        check(Similarity::new(1.0, 10.0, 0.0, 0.0), 2.0);
        assert_eq!(Moved::default().amount(), 0.0);
    }
}
