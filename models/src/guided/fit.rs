//! Whether a look is good enough, and which angle it shows.

use ostiary_common::wire::{Angle, UnusableReason};

use crate::quality::{FaceQuality, HeadPose, QualityGate};

/// Degrees of yaw up to which a head is frontal.
const FRONTAL_YAW: f32 = 12.0;
/// Degrees of yaw a side is shown with: less is no side, more hides half of the face.
const SIDE_YAW: (f32, f32) = (19.0, 42.0);
/// Degrees of pitch and roll that are borne.
const MOST_PITCH: f32 = 20.0;
const MOST_ROLL: f32 = 25.0;

/// What of a look, but for where the head is turned to, is not good enough.
pub(super) fn flaw(quality: &FaceQuality, gate: &QualityGate) -> Option<UnusableReason> {
    // As if it were frontal: the pose is asked for, and must not lower what is asked of the rest.
    let without_pose = quality.overall / quality.pose.max(1e-3).powf(0.25);
    let facing = FaceQuality { pose: 1.0, overall: without_pose.min(1.0), ..*quality };
    facing.problem(gate)
}

/// The angle that a head shows well, if it does.
pub(super) fn shown(head: &HeadPose) -> Option<Angle> {
    let is_level = head.pitch.abs() <= MOST_PITCH && head.roll.abs() <= MOST_ROLL;
    let side = head.yaw.abs();
    match () {
        () if !is_level => None,
        () if side <= FRONTAL_YAW => Some(Angle::Frontal),
        () if (SIDE_YAW.0..=SIDE_YAW.1).contains(&side) && head.yaw > 0.0 => Some(Angle::Left),
        () if (SIDE_YAW.0..=SIDE_YAW.1).contains(&side) => Some(Angle::Right),
        () => None,
    }
}

/// What to tell a person whose head does not show the wanted angle.
pub(super) fn way(head: &HeadPose, wanted: Angle) -> &'static str {
    if head.pitch.abs() > MOST_PITCH {
        return if head.pitch > 0.0 { "Raise your chin a little." } else { "Lower your chin a little." };
    }
    if head.roll.abs() > MOST_ROLL {
        return "Hold your head upright.";
    }
    let turned = match wanted {
        Angle::Left => head.yaw,
        Angle::Right => -head.yaw,
        Angle::Frontal | Angle::Unknown => {
            return if head.yaw > 0.0 { "Turn a little to the right." } else { "Turn a little to the left." };
        }
    };
    match (wanted, turned > SIDE_YAW.1) {
        (_, true) => "That is too far: turn back a little.",
        (Angle::Left, _) => "Turn your head slowly to your left.",
        _ => "Turn your head slowly to your right.",
    }
}
