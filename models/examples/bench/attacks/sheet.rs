//! A print of the photo on a sheet that is moved before a wall, as a plane seen by a pinhole camera.

use super::Kind;
use super::chance::{Chance, Sway};
use super::head::{Head, HeadNow};
use super::subject::{Subject, blend};

/// Distance of the camera, in distances between the eyes.
const CAMERA: f32 = 11.0;

/// A plane and how it is moved.
pub struct Plane {
    turn: (Sway, f32),
    nod: (Sway, f32),
    tilt: (Sway, f32),
    across: (Sway, f32),
    up: (Sway, f32),
    nearer: (Sway, f32),
    /// Half of its extent to the sides, above and below the eyes.
    reach: (f32, f32, f32),
}

impl Plane {
    /// Moved by someone's hands; `most_turn_deg` says how far it leaves its plane.
    pub fn new(chance: &mut Chance, most_turn_deg: f32, reach: (f32, f32, f32)) -> Self {
        let mut motion = |low, high| (chance.sway(), chance.between(low, high));
        Self {
            turn: motion(0.5 * most_turn_deg, most_turn_deg),
            nod: motion(0.3 * most_turn_deg, 0.8 * most_turn_deg),
            tilt: motion(2.0, 8.0),
            across: motion(0.15, 0.5),
            up: motion(0.1, 0.3),
            nearer: motion(0.2, 0.8),
            reach,
        }
    }

    /// The plane at a time in seconds.
    pub fn at(&self, time: f32) -> PlaneNow {
        let at = |motion: &(Sway, f32)| motion.1 * motion.0.at(time);
        let (yaw, pitch) = (at(&self.turn).to_radians().sin_cos(), at(&self.nod).to_radians().sin_cos());
        PlaneNow {
            // The axes after a turn about the upright, then about the level axis.
            along: [yaw.1, yaw.0 * pitch.0, -yaw.0 * pitch.1],
            down: [0.0, pitch.1, pitch.0],
            out: [yaw.0, -pitch.0 * yaw.1, yaw.1 * pitch.1],
            roll: at(&self.tilt).to_radians().sin_cos(),
            place: [at(&self.across), at(&self.up), at(&self.nearer) + CAMERA],
            reach: self.reach,
        }
    }
}

/// A plane at one time.
pub struct PlaneNow {
    along: [f32; 3],
    down: [f32; 3],
    out: [f32; 3],
    roll: (f32, f32),
    place: [f32; 3],
    reach: (f32, f32, f32),
}

impl PlaneNow {
    /// Where a ray through a point of the view meets the plane, in face coordinates on it; `None` beside it.
    pub fn hit(&self, x: f32, y: f32) -> Option<(f32, f32)> {
        let ray = [x, y, CAMERA];
        let far = dot(self.place, self.out) / dot(ray, self.out);
        let from_centre: [f32; 3] = std::array::from_fn(|i| far * ray[i] - self.place[i]);
        let (u, v) = (dot(from_centre, self.along), dot(from_centre, self.down));
        let (sin, cos) = self.roll;
        let (u, v) = (u * cos + v * sin, v * cos - u * sin);
        let (side, above, below) = self.reach;
        (u.abs() <= side && v >= -above && v <= below).then_some((u, v))
    }
}

fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// A printed photo.
pub struct Print {
    plane: Plane,
    black: f32,
    contrast: f32,
    cut: bool,
    paper: bool,
    eyes: Head,
    wall: Wall,
}

impl Print {
    /// Large for a still (its edges are often out of sight), a sheet in the hands for the others.
    pub fn new(kind: Kind, chance: &mut Chance) -> Self {
        let (turn, reach) = match kind {
            Kind::PrintStill => (1.0, (chance.between(1.8, 4.5), chance.between(1.8, 4.0), chance.between(2.4, 5.0))),
            Kind::JpegReplay => (2.0, (20.0, 20.0, 20.0)),
            _ => (14.0, (chance.between(1.4, 2.2), chance.between(1.4, 2.0), chance.between(1.9, 2.6))),
        };
        Self {
            plane: Plane::new(chance, turn, reach),
            black: chance.between(8.0, 30.0),
            contrast: chance.between(0.72, 0.9),
            cut: kind == Kind::Cutout,
            paper: kind != Kind::JpegReplay,
            eyes: Head::new(chance),
            wall: Wall::new(chance),
        }
    }

    /// The print at a time in seconds.
    pub fn at(&self, time: f32) -> PrintNow<'_> {
        PrintNow { print: self, plane: self.plane.at(time), eyes: self.eyes.at(time) }
    }

    /// Ink is less black than black and paper less white than white.
    fn printed(&self, subject: &Subject, u: f32, v: f32) -> [f32; 3] {
        subject.at(u, v).map(|value| self.black + value * self.contrast)
    }
}

/// A print at one time.
pub struct PrintNow<'a> {
    print: &'a Print,
    plane: PlaneNow,
    eyes: HeadNow<'a>,
}

impl PrintNow<'_> {
    /// The colour at a point of the view.
    pub fn look(&self, subject: &Subject, x: f32, y: f32) -> [f32; 3] {
        let Some((u, v)) = self.plane.hit(x, y) else { return self.print.wall.at(x, y) };
        if self.print.cut {
            return self.cut_out(subject, (x, y), (u, v));
        }
        if self.print.paper { self.print.printed(subject, u, v) } else { subject.at(u, v) }
    }

    /// Nothing beyond the head's outline; living eyes behind the holes.
    fn cut_out(&self, subject: &Subject, seen: (f32, f32), (u, v): (f32, f32)) -> [f32; 3] {
        let outline = (u / 1.25).hypot((v - 0.3) / 1.75);
        let hole = ((u.abs() - 0.5) / 0.24).hypot(v / 0.11);
        match (outline > 1.0, hole < 1.0) {
            (true, _) => self.print.wall.at(seen.0, seen.1),
            (_, true) => blend(self.eyes.look(subject, u, v), [0.0; 3], 0.15),
            _ => self.print.printed(subject, u, v),
        }
    }
}

/// What is behind: a wall that is brighter on one side, with a door's frame.
pub struct Wall {
    grey: f32,
    slope: f32,
    door: f32,
}

impl Wall {
    pub fn new(chance: &mut Chance) -> Self {
        Self { grey: chance.between(70.0, 190.0), slope: chance.between(-8.0, 8.0), door: chance.between(-3.5, 3.5) }
    }

    pub fn at(&self, x: f32, y: f32) -> [f32; 3] {
        let plaster = 3.0 * (17.0 * x + 5.0 * y).sin() * (13.0 * y - 3.0 * x).cos();
        let frame = if (x - self.door).abs() < 0.25 { -35.0 } else { 0.0 };
        let grey = self.grey + self.slope * x + plaster + frame;
        [grey + 4.0, grey, grey - 5.0]
    }
}
