//! What changes before an empty door: daylight, a shadow, a plant in the wind, a door leaf.

use std::f32::consts::TAU;

use rand::Rng;
use rand::rngs::StdRng;

use crate::clip::{Camera, Canvas, ease};

/// Something moves for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stir {
    begins: f32,
    seconds: f32,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Shadow,
    Plant,
    Leaf,
}

/// How much the daylight changes, as a share, and how long it takes to come back, in seconds.
const DRIFT: (f32, f32) = (0.05, 47.0);

impl Stir {
    /// Some seconds within a gap between visits.
    pub fn within(begins: f32, gap: f32, chance: &mut StdRng) -> Self {
        let seconds = chance.random_range(1.5..4.0f32).min(gap / 2.0);
        let kind = [Kind::Shadow, Kind::Plant, Kind::Leaf][chance.random_range(0..3)];
        Self { begins: begins + chance.random_range(0.2..0.5) * gap, seconds, kind }
    }
}

/// How bright everything is at a time.
pub fn daylight(at: f32, camera: &Camera) -> f32 {
    DRIFT.0.mul_add((TAU * (at / DRIFT.1 + camera.phase(7, 7))).sin(), 1.0)
}

/// Draws what moves at a time.
pub fn draw(canvas: &mut Canvas, stirs: &[Stir], at: f32) {
    for stir in stirs {
        let progress = (at - stir.begins) / stir.seconds;
        if (0.0..1.0).contains(&progress) {
            stir.draw(canvas, progress);
        }
    }
}

impl Stir {
    fn draw(&self, canvas: &mut Canvas, progress: f32) {
        let (width, height) = (canvas.width as f32, canvas.height as f32);
        let cover = |x: f32, y: f32| -> ([f32; 3], f32) {
            let (across, down) = (x / width, y / height);
            match self.kind {
                Kind::Shadow => ([20.0; 3], 0.25 * (1.0 - ease((across - 1.4 * progress + 0.2).abs() / 0.15))),
                Kind::Plant => {
                    let sway = 0.03 * (progress * self.seconds * 8.0).sin() * (0.9 - down);
                    let leaf = ((across - 0.12 - sway) / 0.05).hypot((down - 0.72) / 0.16);
                    ([52.0, 92.0, 48.0], 1.0 - ease((leaf - 0.9) / 0.1))
                }
                Kind::Leaf => {
                    let open = 0.14 * (progress * TAU / 2.0).sin();
                    ([96.0, 70.0, 50.0], ease((across - 1.0 + open) / 0.004))
                }
            }
        };
        for y in 0..canvas.height {
            for x in 0..canvas.width {
                let (color, alpha) = cover(x as f32, y as f32);
                if alpha > 0.0 {
                    canvas.blend(x, y, color, alpha);
                }
            }
        }
    }
}
