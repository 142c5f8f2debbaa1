//! Somebody who stands before a camera and turns their head as they are told: for guided captures.

use std::f32::consts::TAU;

use super::motion::Pose;
use super::{Camera, Portrait};

/// Width of the face, in pixels of a frame 640 wide.
const FACE_PX: f32 = 190.0;
/// How far the head turns to either side, in degrees: within the limits of a side with something to spare, as the
/// portrait of 2012 is measured (25 to 31 degrees).
const SIDE_DEG: f32 = 35.0;
/// The share of the time in which the person looks straight, before turning.
const STRAIGHT: f32 = 0.2;

/// The pose at `progress` (0..1): the front first, then slowly to the person's left, over to the right, and back.
#[must_use]
pub fn turning(progress: f32, portrait: &Portrait, camera: &Camera) -> Pose {
    let unit = camera.width as f32 / 640.0;
    let turned = ((progress - STRAIGHT) / (1.0 - STRAIGHT)).clamp(0.0, 1.0);
    let swing = (TAU * turned).sin();
    // Nobody stands like a post.
    let sway = (progress * 40.0).sin();
    Pose {
        center: [1.5f32.mul_add(unit * sway, camera.width as f32 * 0.5), camera.height as f32 * 0.46],
        face_px: (FACE_PX * unit).min(portrait.widest_px()),
        yaw: SIDE_DEG * swing,
        pitch: 0.0,
        roll: 0.5 * sway,
        gain: 1.0,
        side_light: 0.02 * sway,
        relief: 1.0,
    }
}
