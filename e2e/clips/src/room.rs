//! What the camera sees when nobody is there: a plain wall, lit from above, and a floor.

use super::camera::{mix, unit};
use super::{Camera, Canvas};

/// The empty scene.
pub struct Room {
    canvas: Canvas,
}

/// Colours of wall and floor.
const WALL: [f32; 3] = [168.0, 170.0, 166.0];
const FLOOR: [f32; 3] = [112.0, 104.0, 96.0];
/// Where the floor begins, as a share of the height.
const FLOOR_FROM: f32 = 0.9;

impl Room {
    /// Paints the room once; plaster and light follow from the camera's seed.
    pub fn new(camera: &Camera) -> Self {
        let (width, height) = (camera.width, camera.height);
        let lamp = 0.3 + 0.4 * camera.phase(0, 100);
        let canvas = Canvas::paint(width, height, |x, y| {
            let (across, down) = (x as f32 / width as f32, y as f32 / height as f32);
            let light = 1.08 - 0.22 * down - 0.18 * (across - lamp).abs();
            let plaster = 3.0 * (unit(mix(camera.seed ^ u64::from(x / 2) << 32 ^ u64::from(y / 2))) - 0.5);
            let base = if down < FLOOR_FROM { WALL } else { FLOOR };
            base.map(|channel| channel.mul_add(light, plaster))
        });
        Self { canvas }
    }

    /// A copy to draw on.
    pub fn canvas(&self) -> Canvas {
        self.canvas.clone()
    }
}
