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

/// Degrees up to which a rotation does no harm, and from which on the face is useless.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bearable {
    fine: f32,
    useless: f32,
}

/// Turned to a side.
pub(super) const YAW: Bearable = Bearable { fine: 8.0, useless: 55.0 };
/// Looking up or down.
pub(super) const PITCH: Bearable = Bearable { fine: 12.0, useless: 50.0 };
/// Tilted; counts little, since alignment takes it away.
pub(super) const ROLL: Bearable = Bearable { fine: 30.0, useless: 100.0 };

impl Bearable {
    /// 1 up to `fine`, 0 from `useless` on.
    fn score(&self, degrees: f32) -> f32 {
        1.0 - ramp(degrees.abs(), self.fine, self.useless)
    }

    /// The rotation at which the score falls to `score`.
    pub(super) fn bound(&self, score: f32) -> f32 {
        self.fine + (1.0 - score.clamp(0.0, 1.0)) * (self.useless - self.fine)
    }
}

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

    /// How frontal, 0 to 1.
    #[must_use]
    pub fn frontality(&self) -> f32 {
        YAW.score(self.yaw) * PITCH.score(self.pitch) * ROLL.score(self.roll)
    }

    /// What to tell the person to turn back to the camera: what disturbs most, first.
    pub(super) fn hint(&self) -> &'static str {
        let rows = [
            (YAW.score(self.yaw), self.yaw_hint()),
            (PITCH.score(self.pitch), self.pitch_hint()),
            (ROLL.score(self.roll), self.roll_hint()),
        ];
        rows.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).map_or("", |(_, hint)| hint)
    }

    /// Left and right are the person's own.
    pub(super) const fn yaw_hint(&self) -> &'static str {
        if self.yaw > 0.0 { "Turn a little to the right." } else { "Turn a little to the left." }
    }

    pub(super) const fn pitch_hint(&self) -> &'static str {
        if self.pitch > 0.0 { "Raise your chin a little." } else { "Lower your chin a little." }
    }

    pub(super) const fn roll_hint(&self) -> &'static str {
        if self.roll > 0.0 { "Tilt your head a little to the left." } else { "Tilt your head a little to the right." }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Similarity;
    use proptest::prelude::*;

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
        assert_eq!(HeadPose { yaw: 3.0, pitch: -5.0, roll: 60.0 }.hint(), "Tilt your head a little to the left.");
    }

    #[test]
    fn a_bound_is_where_the_score_falls_so_far() {
        for axis in [YAW, PITCH, ROLL] {
            for score in [0.1, 0.25, 0.3, 0.9] {
                assert!((axis.score(axis.bound(score)) - score).abs() < 1e-5);
            }
        }
    }

    proptest! {
        /// As the person sees it: who follows a hint looks more straight into the camera than before.
        #[test]
        fn following_a_hint_makes_a_head_more_frontal(
            yaw in -50.0_f32..50.0, pitch in -40.0_f32..40.0, roll in -80.0_f32..80.0,
        ) {
            let before = HeadPose::estimate(&seen(yaw, pitch, roll));
            prop_assume!(before.frontality() < 0.95);
            let (mut turned, mut nodded, mut tilted) = (yaw, pitch, roll);
            let step = |angle: f32| 0.5 * angle.abs().max(5.0);
            match before.hint() {
                "Turn a little to the left." => turned += step(yaw),
                "Turn a little to the right." => turned -= step(yaw),
                "Raise your chin a little." => nodded -= step(pitch),
                "Lower your chin a little." => nodded += step(pitch),
                "Tilt your head a little to the right." => tilted += step(roll),
                "Tilt your head a little to the left." => tilted -= step(roll),
                other => prop_assert!(false, "unknown hint {other}"),
            }
            let after = HeadPose::estimate(&seen(turned, nodded, tilted));
            prop_assert!(after.frontality() >= before.frontality() - 0.02, "{before:?} {} {after:?}", before.hint());
        }
    }
}
