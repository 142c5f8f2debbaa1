//! Draws a portrait in a pose: the head turns as a cylinder would, the shoulders stay, the edges fade.

use super::motion::ease;
use super::{Canvas, Portrait, Pose};

/// Radius of the head's cylinder, in face widths; a little over half, for the ears.
const HEAD_RADIUS: f32 = 0.62;
/// By how much less the head of somebody with relief is: what stands out has its own part of the depth then.
const RELIEF_INSET: f32 = 0.07;
/// Motion within one exposure that is drawn as one more picture, in pixels.
const BLUR_STEP_PX: f32 = 1.5;
/// Pictures mixed for one exposure, at most.
const MAX_BLUR_STEPS: usize = 5;
/// How far the tip of the nose stands out before the eyes, in face widths.
const NOSE_OUT: f32 = 0.26;
/// How wide and high what stands out with it is: not the nose alone, the middle of the whole face does. With a narrow
/// bump the nose slides over a face that stays flat, and what measures a head's turn sees half of it.
const NOSE_SIZE: [f32; 2] = [0.24, 0.4];
/// How far the figure reaches from the face's centre, in face widths: to the sides, and up.
const REACH: [f32; 2] = [1.9, 1.35];

/// Draws the figure as seen while the shutter is open.
pub fn draw(canvas: &mut Canvas, portrait: &Portrait, opens: &Pose, closes: &Pose) {
    let steps = ((opens.travel_px(closes) / BLUR_STEP_PX) as usize + 1).min(MAX_BLUR_STEPS);
    if steps == 1 {
        return Drawing::new(portrait, opens, 1.0).onto(canvas);
    }
    // Each picture covers its share of the time: the n-th is mixed in with weight 1/n.
    let empty = canvas.clone();
    for step in 0..steps {
        let mut exposure = empty.clone();
        let pose = opens.between(closes, step as f32 / (steps - 1) as f32);
        Drawing::new(portrait, &pose, 1.0).onto(&mut exposure);
        canvas.mix(&exposure, 1.0 / (step + 1) as f32);
    }
}

/// A portrait in one pose, with everything that is the same for all pixels worked out.
struct Drawing<'a> {
    portrait: &'a Portrait,
    pose: &'a Pose,
    level: usize,
    opacity: f32,
    roll: [f32; 2],
    yaw: [f32; 2],
    /// Radius of the head, and where its axis lies beside the face's centre, in face widths.
    radius: f32,
    axis: f32,
    pitch_shift: f32,
    /// Where the tip of the nose lies on the portrait, in face widths from the face's centre.
    nose_at: [f32; 2],
    nose_shift: f32,
}

impl<'a> Drawing<'a> {
    fn new(portrait: &'a Portrait, pose: &'a Pose, opacity: f32) -> Self {
        let (sin, cos) = pose.roll.to_radians().sin_cos();
        let (yaw_sin, yaw_cos) = pose.yaw.to_radians().sin_cos();
        let radius = RELIEF_INSET.mul_add(-pose.relief, HEAD_RADIUS);
        let nose_at = portrait.nose();
        Self {
            portrait,
            pose,
            level: portrait.level_for(pose.face_px),
            opacity,
            roll: [sin, cos],
            yaw: [yaw_sin, yaw_cos],
            radius,
            // A head that looks aside a little has its nose beside the middle of what is seen of it.
            axis: pose.relief * nose_at[0],
            pitch_shift: radius * pose.pitch.to_radians().sin(),
            nose_at,
            nose_shift: pose.relief * NOSE_OUT * yaw_sin,
        }
    }

    fn onto(&self, canvas: &mut Canvas) {
        let [cx, cy] = self.pose.center;
        let (side, up) = (REACH[0] * self.pose.face_px, REACH[1] * self.pose.face_px);
        let columns = span(cx - side, cx + side, canvas.width);
        for y in span(cy - up, canvas.height as f32, canvas.height) {
            for x in columns.clone() {
                let (u, v) = self.upright(x as f32, y as f32);
                let alpha = self.opacity * silhouette(u, v, self.portrait.borders());
                if alpha > 0.0 {
                    canvas.blend(x, y, self.lit(u, v), alpha);
                }
            }
        }
    }

    /// From the frame to face widths from the face's centre. The tilt fades out below the chin.
    fn upright(&self, x: f32, y: f32) -> (f32, f32) {
        let scale = 1.0 / self.pose.face_px;
        let (dx, dy) = ((x - self.pose.center[0]) * scale, (y - self.pose.center[1]) * scale);
        let [sin, cos] = self.roll;
        let head = above_shoulders(dy);
        let (u, v) = (cos * dx + sin * dy, cos * dy - sin * dx);
        ((u - dx).mul_add(head, dx), (v - dy).mul_add(head, dy))
    }

    fn lit(&self, u: f32, v: f32) -> [f32; 3] {
        let (su, sv) = self.turned(u, v);
        let light = self.pose.gain * (self.pose.side_light * u.clamp(-1.0, 1.0) + 1.0);
        self.portrait.color(self.level, su, sv).map(|channel| channel * light)
    }

    /// Where on the portrait the point lies that is seen at `(u, v)` once the head has turned.
    fn turned(&self, u: f32, v: f32) -> (f32, f32) {
        let beside = u - self.axis;
        let weight = above_shoulders(v) * (1.0 - ease((beside.abs() / self.radius - 0.75) / 0.95));
        let across = beside.clamp(-self.radius, self.radius);
        let depth = (self.radius * self.radius - across * across).max(0.0).sqrt();
        let [sin, cos] = self.yaw;
        let seen = across * cos - depth * sin;
        let seen = seen - self.nose(seen, v);
        let nod = self.pitch_shift * depth / self.radius;
        ((seen - across).mul_add(weight, u), (-nod).mul_add(weight, v))
    }

    /// How far what is seen at a point of the turned face lies from where it would without a nose; `u` from the axis.
    fn nose(&self, u: f32, v: f32) -> f32 {
        if self.nose_shift == 0.0 {
            return 0.0;
        }
        let [nose_u, nose_v] = [self.nose_at[0] - self.axis, self.nose_at[1]];
        let [x, y] = [(u - nose_u - self.nose_shift) / NOSE_SIZE[0], (v - nose_v) / NOSE_SIZE[1]];
        self.nose_shift * (-0.5 * x.mul_add(x, y * y)).exp()
    }
}

/// 1 at the face, 0 at the shoulders.
fn above_shoulders(v: f32) -> f32 {
    1.0 - ease((v - 0.45) / 0.75)
}

/// How much of the figure covers a point: head and shoulders, fading towards the portrait's borders.
fn silhouette(u: f32, v: f32, [left, right, top]: [f32; 3]) -> f32 {
    let head = 1.0 - ease(((u / 0.74).hypot((v + 0.1) / 0.98) - 0.92) / 0.16);
    let half_width = 1.7f32.mul_add((v - 0.55).max(0.0), 0.34).min(1.45);
    let body = ease((v - 0.4) / 0.15) * (1.0 - ease((u.abs() - half_width) / 0.14));
    let inside = (u + left).min(right - u).min(v + top) / 0.12;
    head.max(body) * ease(inside)
}

fn span(from: f32, to: f32, limit: u32) -> std::ops::Range<u32> {
    from.max(0.0) as u32..(to.max(0.0).ceil() as u32).min(limit)
}
