//! A screen that shows the photo, or the living head: dots of three colours with gaps between them, a black that
//! glows, bands where shutter and refresh meet, a bezel around.

use super::Kind;
use super::camera::EYES_PX;
use super::chance::Chance;
use super::head::{Head, HeadNow};
use super::sheet::{Plane, PlaneNow, Wall};
use super::subject::Subject;

/// Where in a dot's width each colour shines.
const STRIPES: [(f32, f32); 3] = [(0.02, 0.31), (0.35, 0.64), (0.68, 0.97)];
/// Where in a dot's height.
const LIT: (f32, f32) = (0.06, 0.94);
/// Width of the bezel, in distances between the eyes.
const BEZEL: f32 = 0.22;

/// A screen and how it is held.
pub struct Screen {
    plane: Plane,
    reach: (f32, f32, f32),
    /// Side of a dot, in distances between the eyes.
    pitch: f32,
    glow: f32,
    gamma: f32,
    bands: (f32, f32),
    content: Option<Head>,
    wall: Wall,
}

impl Screen {
    /// From a phone held near, its bezel in sight, to a large screen that fills the view.
    pub fn new(kind: Kind, chance: &mut Chance) -> Self {
        let reach = (chance.between(1.5, 4.5), chance.between(1.5, 4.0), chance.between(2.0, 4.5));
        let outer = (reach.0 + BEZEL, reach.1 + BEZEL, reach.2 + BEZEL);
        Self {
            plane: Plane::new(chance, 4.0, outer),
            reach,
            pitch: chance.between(0.45, 1.5) / EYES_PX,
            glow: chance.between(6.0, 25.0),
            gamma: chance.between(0.95, 1.2),
            bands: (chance.between(0.0, 0.05), chance.between(1.0, 3.0)),
            content: (kind == Kind::VideoReplay).then(|| Head::new(chance)),
            wall: Wall::new(chance),
        }
    }

    /// The screen at a time in seconds.
    pub fn at(&self, time: f32) -> ScreenNow<'_> {
        ScreenNow {
            screen: self,
            time,
            plane: self.plane.at(time),
            content: self.content.as_ref().map(|head| head.at(time)),
        }
    }
}

/// A screen at one time.
pub struct ScreenNow<'a> {
    screen: &'a Screen,
    time: f32,
    plane: PlaneNow,
    content: Option<HeadNow<'a>>,
}

impl ScreenNow<'_> {
    /// The colour at a point of the view.
    pub fn look(&self, subject: &Subject, x: f32, y: f32) -> [f32; 3] {
        let screen = self.screen;
        let Some((u, v)) = self.plane.hit(x, y) else { return screen.wall.at(x, y) };
        if u.abs() > screen.reach.0 || v < -screen.reach.1 || v > screen.reach.2 {
            return [18.0; 3];
        }
        let dot = |place: f32| ((place / screen.pitch).floor(), (place / screen.pitch).rem_euclid(1.0));
        let ((column, across), (row, down)) = (dot(u), dot(v));
        let lit_row = down >= LIT.0 && down < LIT.1;
        let shown = self.shown(subject, (column + 0.5) * screen.pitch, (row + 0.5) * screen.pitch);
        let band = 1.0 + screen.bands.0 * (screen.bands.1 * v + 9.0 * self.time).sin();
        std::array::from_fn(|c| {
            let (from, to) = STRIPES[c];
            let lit = lit_row && across >= from && across < to;
            // As bright as a full surface would be, whatever the gaps take.
            let full = 1.0 / ((to - from) * (LIT.1 - LIT.0));
            screen.glow + if lit { shown[c] * full * band * 0.92 } else { 0.0 }
        })
    }

    /// What the dot in a column and row shows.
    fn shown(&self, subject: &Subject, u: f32, v: f32) -> [f32; 3] {
        let colour = self.content.as_ref().map_or_else(|| subject.at(u, v), |head| head.look(subject, u, v));
        colour.map(|value| 255.0 * (value / 255.0).max(0.0).powf(self.screen.gamma))
    }
}
