//! How someone moves before a door: comes near, looks about, stands, and leaves sideways.

use std::f32::consts::TAU;

use super::{Camera, Portrait};

/// Where a face is, how large, and which way it looks. Angles in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    /// Centre of the face in the frame, in pixels.
    pub center: [f32; 2],
    /// Width of the face, in pixels.
    pub face_px: f32,
    /// Turned to the side; positive turns the nose to the right of the frame.
    pub yaw: f32,
    /// Nodded; positive looks down.
    pub pitch: f32,
    /// Tilted within the frame; positive is clockwise.
    pub roll: f32,
    /// Brightness, 1 as in the portrait.
    pub gain: f32,
    /// How much brighter the right side is than the left, as a share.
    pub side_light: f32,
    /// How far the nose stands out, 1 as on a mean head; 0 leaves the face a smooth cylinder.
    pub relief: f32,
}

impl Pose {
    /// The pose between two others.
    #[must_use]
    pub fn between(&self, other: &Self, share: f32) -> Self {
        let mix = |a: f32, b: f32| (b - a).mul_add(share, a);
        Self {
            center: [mix(self.center[0], other.center[0]), mix(self.center[1], other.center[1])],
            face_px: mix(self.face_px, other.face_px),
            yaw: mix(self.yaw, other.yaw),
            pitch: mix(self.pitch, other.pitch),
            roll: mix(self.roll, other.roll),
            gain: mix(self.gain, other.gain),
            side_light: mix(self.side_light, other.side_light),
            relief: mix(self.relief, other.relief),
        }
    }

    /// How far anything of the face moves to another pose, in pixels.
    #[must_use]
    pub fn travel_px(&self, other: &Self) -> f32 {
        let [dx, dy] = [0, 1].map(|i| self.center[i] - other.center[i]);
        dx.hypot(dy) + (self.face_px - other.face_px).abs()
    }
}

/// Width of a face that just came into view, in pixels of a frame 640 wide.
const FAR_PX: f32 = 40.0;
/// Width of a face at the door.
const NEAR_PX: f32 = 200.0;
/// Until this share of the visit the person comes nearer.
const ARRIVED: f32 = 0.6;
/// From this share of the visit on the person leaves.
const LEAVES: f32 = 0.82;

/// The pose at `progress` (0..1) of a visit of `seconds` by someone who stands at `lane` (a share of the frame's
/// width from its centre). `salt` makes one visit differ from the next.
#[must_use]
pub fn walk(progress: f32, seconds: f32, lane: f32, portrait: &Portrait, camera: &Camera, salt: u64) -> Pose {
    let unit = camera.width as f32 / 640.0;
    let time = progress * seconds;
    let swing = |hertz: f32, which: u64| (TAU * (hertz * time + camera.phase(salt, which))).sin();
    let near = ease(progress / ARRIVED);
    let gone = ease((progress - LEAVES) / (1.0 - LEAVES));
    let side = leaving_side(lane, camera.phase(salt, 9));
    let widest = (NEAR_PX * unit).min(portrait.widest_px()) * if lane == 0.0 { 1.0 } else { 0.75 };
    let face_px = (widest - FAR_PX * unit).mul_add(near, FAR_PX * unit);
    let stand_x = camera.width as f32 * (0.5 + lane);
    let out_x = if side < 0.0 { -1.6 * widest } else { camera.width as f32 + 1.6 * widest };
    Pose {
        center: [
            (out_x - stand_x).mul_add(gone, stand_x) + 18.0 * unit * swing(0.35, 1) * (1.0 - gone),
            camera.height as f32 * 0.04f32.mul_add(near, 0.42) + 4.0 * unit * swing(1.6, 2),
        ],
        face_px,
        yaw: 13.0f32.mul_add(swing(0.4, 3), side * 22.0 * gone),
        pitch: 5.0 * swing(0.3, 4),
        roll: 6.0 * swing(0.5, 5),
        gain: 0.25f32.mul_add(near, 0.78) + 0.06 * swing(0.7, 6),
        side_light: 0.18 * swing(0.2, 7),
        relief: 0.0,
    }
}

/// 0 below 0, 1 above 1, smooth between.
#[must_use]
pub fn ease(x: f32) -> f32 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

/// −1 for left, 1 for right: nobody walks across another, and who stands in the middle leaves at random.
fn leaving_side(lane: f32, chance: f32) -> f32 {
    let side = if lane == 0.0 { chance - 0.5 } else { lane };
    side.signum()
}
