//! Somebody who stands before a camera and turns their head as they are told: for guided captures.

use std::f32::consts::TAU;

use super::motion::Pose;
use super::{Camera, Portrait};

/// Width of the face, in pixels of a frame 640 wide.
const FACE_PX: f32 = 190.0;
/// How far the head turns to its left, in degrees.
const LEFT_DEG: f32 = 36.0;
/// How far to its right: the sitter looks the other way to begin with, and what is drawn of a far side foreshortens.
const RIGHT_DEG: f32 = 58.0;
/// The sitter of 2012 looks so far to the frame's left, in degrees, when told to look straight.
const STRAIGHT_DEG: f32 = 11.0;
/// The share of the time in which the person looks straight, before turning.
const STRAIGHT: f32 = 0.2;

/// The pose at `progress` (0..1): the front first, then slowly to the person's left, over to the right, and back.
#[must_use]
pub fn turning(progress: f32, portrait: &Portrait, camera: &Camera) -> Pose {
    let unit = camera.width as f32 / 640.0;
    let turned = ((progress - STRAIGHT) / (1.0 - STRAIGHT)).clamp(0.0, 1.0);
    let swing = (TAU * turned).sin();
    let turn_deg = if swing < 0.0 { RIGHT_DEG } else { LEFT_DEG };
    // Nobody stands like a post.
    let sway = (progress * 40.0).sin();
    Pose {
        center: [1.5f32.mul_add(unit * sway, camera.width as f32 * 0.5), camera.height as f32 * 0.46],
        face_px: (FACE_PX * unit).min(portrait.widest_px()),
        yaw: turn_deg.mul_add(swing, STRAIGHT_DEG),
        pitch: 0.0,
        roll: 0.5 * sway,
        gain: 1.0,
        side_light: 0.02 * sway,
        relief: 1.0,
    }
}
