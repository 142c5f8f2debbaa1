//! Where a head is turned to, estimated from four landmarks.

use super::ramp;
use crate::detect::Landmarks;
use crate::geometry::Point;

/// How far the tip of the nose stands out before the eyes, in distances between the eyes (a mean head).
const NOSE_DEPTH: f32 = 0.55;
/// Where the tip of the nose lies on a frontal face on the way from the eyes (0) to the mouth (1).
const FRONTAL_NOSE: f32 = 0.576;
/// Distance from eyes to mouth on a frontal face, in distances between the eyes.
const EYES_TO_MOUTH: f32 = 1.08;

/// Rotation of the head in degrees, estimated to about 10 degrees on near-frontal faces; 0 is frontal.
/// Signs as in ISO/IEC 19794-5.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HeadPose {
    /// Positive: turned to the subject's left.
    pub yaw: f32,
    /// Positive: looking down.
    pub pitch: f32,
    /// Positive: tilted towards the subject's right shoulder.
    pub roll: f32,
}

impl HeadPose {
    /// Estimates the pose, taking the mouth and eyes for one plane and the nose for a tip before it.
    #[must_use]
    pub fn estimate(landmarks: &Landmarks) -> Self {
        let (right, left) = (landmarks.right_eye, landmarks.left_eye);
        let eyes = landmarks.inter_eye_px().max(1e-3);
        let across = Point::new((left.x - right.x) / eyes, (left.y - right.y) / eyes);
        let middle = right.midpoint(left);
        // Along the line of the eyes and down the face, in camera pixels.
        let in_face = |p: Point| {
            let (dx, dy) = (p.x - middle.x, p.y - middle.y);
            (dx * across.x + dy * across.y, dy * across.x - dx * across.y)
        };
        let (nose_x, nose_y) = in_face(landmarks.nose);
        let (mouth_x, mouth_y) = in_face(landmarks.mouth_centre());
        // The nose's shift is measured from the line between eyes and mouth, which leans when the head does.
        let shift = (nose_x - mouth_x * FRONTAL_NOSE) / eyes;
        let drop = nose_y / mouth_y.max(0.2 * eyes) - FRONTAL_NOSE;
        Self {
            yaw: (shift / NOSE_DEPTH).atan().to_degrees(),
            pitch: (drop * EYES_TO_MOUTH / NOSE_DEPTH).atan().to_degrees(),
            roll: -across.y.atan2(across.x).to_degrees(),
        }
    }

    /// How frontal, 0 to 1. Roll counts little: alignment takes it away.
    #[must_use]
    pub fn frontality(&self) -> f32 {
        let left = |degrees: f32, fine: f32, useless: f32| 1.0 - ramp(degrees.abs(), fine, useless);
        left(self.yaw, 8.0, 55.0) * left(self.pitch, 12.0, 50.0) * left(self.roll, 30.0, 100.0)
    }

    /// What to tell the person to turn back to the camera.
    pub(super) fn hint(&self) -> &'static str {
        let (yaw, pitch) = (self.yaw.abs(), self.pitch.abs());
        if yaw >= pitch {
            if self.yaw > 0.0 { "Turn a little to the right." } else { "Turn a little to the left." }
        } else if self.pitch > 0.0 {
            "Raise your chin a little."
        } else {
            "Lower your chin a little."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Similarity;

    /// A mean head of 60 pixels between the eyes, turned (degrees) and seen from far.
    fn seen(yaw: f32, pitch: f32, roll: f32) -> Landmarks {
        let head = [(-0.5, 0.0, 0.0), (0.5, 0.0, 0.0), (0.0, 0.622, 0.55), (0.0, 1.08, 0.0)];
        let (yaw, pitch) = (yaw.to_radians(), pitch.to_radians());
        let points = head.map(|(x, y, z): (f32, f32, f32)| {
            let (x, z) = (x * yaw.cos() + z * yaw.sin(), z * yaw.cos() - x * yaw.sin());
            let y = y * pitch.cos() + z * pitch.sin();
            Similarity::new(60.0, -roll, 300.0, 200.0).apply(Point::new(x, y))
        });
        Landmarks::with_mouth_centre(points[0], points[1], points[2], points[3])
    }

    #[test]
    fn turns_are_recovered_with_their_signs() {
        for (yaw, pitch, roll) in [
            (0.0, 0.0, 0.0),
            (20.0, 0.0, 0.0),
            (-35.0, 0.0, 10.0),
            (0.0, 20.0, 0.0),
            (0.0, -15.0, -30.0),
            (15.0, 10.0, 45.0),
        ] {
            let found = HeadPose::estimate(&seen(yaw, pitch, roll));
            for (name, got, wanted) in
                [("yaw", found.yaw, yaw), ("pitch", found.pitch, pitch), ("roll", found.roll, roll)]
            {
                assert!((got - wanted).abs() < 8.0, "{name} of {yaw} {pitch} {roll}: {found:?}");
            }
        }
    }

    #[test]
    fn frontal_is_best_and_a_hint_turns_back() {
        let score = |yaw, pitch, roll| HeadPose { yaw, pitch, roll }.frontality();
        assert_eq!(score(0.0, 0.0, 0.0), 1.0);
        assert!(score(20.0, 0.0, 0.0) > score(30.0, 0.0, 0.0));
        assert_eq!(score(60.0, 0.0, 0.0), 0.0);
        assert!(score(0.0, 0.0, 45.0) > 0.7);
        assert_eq!(HeadPose { yaw: 30.0, pitch: 5.0, roll: 0.0 }.hint(), "Turn a little to the right.");
        assert_eq!(HeadPose { yaw: 3.0, pitch: -25.0, roll: 0.0 }.hint(), "Lower your chin a little.");
    }
}
