//! How someone moves in a visit.

use super::{Kind, Slot};
use crate::clip::{Camera, Portrait, Pose, ease, walk};

/// Widths of the two faces that cross, in pixels of a frame 640 wide: the farther, the nearer.
const CROSSING_PX: [f32; 2] = [85.0, 120.0];
/// How far someone turns away, in degrees.
const AWAY: f32 = 55.0;

/// Where the one at `place` of a visit's roles is at a time of the scene.
pub fn pose(slot: &Slot, place: usize, at: f32, portrait: &Portrait, camera: &Camera) -> Pose {
    let progress = (at - slot.begins) / slot.seconds;
    let salt = slot.salt ^ place as u64;
    match slot.kind {
        Kind::Crossing => cross(slot, place, progress, portrait, camera),
        Kind::Alone => walk(progress, slot.seconds, 0.0, portrait, camera, salt),
        Kind::TurnsAway => {
            let pose = walk(progress, slot.seconds, 0.0, portrait, camera, salt);
            let away = ease((progress - 0.3) / 0.12) * (1.0 - ease((progress - 0.55) / 0.12));
            Pose { yaw: (AWAY - pose.yaw).mul_add(away, pose.yaw), ..pose }
        }
        Kind::SideBySide => beside(slot, place, progress, portrait, camera, salt),
    }
}

/// Each in a lane of their own; more people are smaller.
fn beside(slot: &Slot, place: usize, progress: f32, portrait: &Portrait, camera: &Camera, salt: u64) -> Pose {
    let people = slot.roles.len() as f32;
    let lane = (place as f32 + 0.5) / people - 0.5;
    let pose = walk(progress, slot.seconds, lane, portrait, camera, salt);
    let room = camera.width as f32 / people / 1.6;
    Pose { face_px: pose.face_px.min(room), ..pose }
}

/// From one side to the other, at a steady pace, looking ahead and at the camera in between.
fn cross(slot: &Slot, place: usize, progress: f32, portrait: &Portrait, camera: &Camera) -> Pose {
    let (width, unit) = (camera.width as f32, camera.width as f32 / 640.0);
    let direction = if place == 0 { 1.0 } else { -1.0 };
    let face_px = (CROSSING_PX[place % 2] * unit).min(portrait.widest_px()) * 0.25f32.mul_add(ease(progress), 0.85);
    // Half a face outside at both ends.
    let reach = width / 2.0 + 0.6 * face_px;
    let pose = walk(0.5, slot.seconds, 0.0, portrait, camera, slot.salt ^ place as u64);
    let bob = 3.0 * unit * (progress * slot.seconds * 9.0).sin();
    Pose {
        center: [width / 2.0 + direction * reach * 2.0f32.mul_add(progress, -1.0), camera.height as f32 * 0.42 + bob],
        face_px,
        yaw: direction * 18.0 * (progress * 7.0).sin(),
        gain: 1.0,
        ..pose
    }
}
