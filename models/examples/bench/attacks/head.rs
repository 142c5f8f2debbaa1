//! A head that lives, made of one photo: what stands out moves further when it turns, the lids close, the
//! background stays. Its depth is another than the one the liveness room fits, and differs from head to head.

use super::chance::{Chance, Sway};
use super::subject::Subject;

/// How one head is built and how it moves.
pub struct Head {
    depth: f32,
    nose: f32,
    turn: Motion,
    nod: Motion,
    tilt: Motion,
    across: Motion,
    up: Motion,
    nearer: f32,
    blinks_at: f32,
    talk: Motion,
}

/// A swing and its size.
struct Motion {
    sway: Sway,
    size: f32,
}

impl Motion {
    fn new(chance: &mut Chance, low: f32, high: f32) -> Self {
        Self { sway: chance.sway(), size: chance.between(low, high) }
    }

    fn at(&self, time: f32) -> f32 {
        self.size * self.sway.at(time)
    }
}

impl Head {
    /// Turns by 1 to 12 degrees, nods by up to 7; two of three blink within a clip.
    pub fn new(chance: &mut Chance) -> Self {
        Self {
            depth: chance.between(0.75, 1.25),
            nose: chance.between(0.25, 0.5),
            turn: Motion::new(chance, 1.0, 12.0),
            nod: Motion::new(chance, 0.7, 7.0),
            tilt: Motion::new(chance, 0.5, 4.0),
            across: Motion::new(chance, 0.05, 0.4),
            up: Motion::new(chance, 0.02, 0.15),
            nearer: chance.between(-0.02, 0.12),
            blinks_at: chance.between(0.1, 2.2),
            talk: Motion::new(chance, 0.0, 0.03),
        }
    }

    /// The head at a time in seconds.
    pub fn at(&self, time: f32) -> HeadNow<'_> {
        HeadNow {
            head: self,
            zoom: 1.0 + self.nearer * time,
            shift: (self.across.at(time), self.up.at(time)),
            tilt: self.tilt.at(time).to_radians(),
            turn: Turn::of(self.turn.at(time)),
            nod: Turn::of(self.nod.at(time)),
            closed: (1.0 - ((time - self.blinks_at) / 0.14).powi(2)).max(0.0),
            talk: self.talk.at(time),
        }
    }

    /// How far a point stands out: a rounded box, steeper at the sides than an ellipsoid, with a ridge of a nose.
    fn depth(&self, x: f32, y: f32) -> f32 {
        let radius = (x / 1.1).hypot((y - 0.35) / 1.5);
        let skull = fading(radius, 0.15, 1.35);
        let ridge = fading((y - 0.5).abs(), 0.1, 0.55) * (-(x / 0.19).powi(2)).exp();
        let sockets = 0.1 * (-((x.abs() - 0.5) / 0.22).powi(2) - (y / 0.15).powi(2)).exp();
        self.depth * (0.95 * skull + self.nose * ridge - sockets)
    }
}

/// A head at one time.
pub struct HeadNow<'a> {
    head: &'a Head,
    zoom: f32,
    shift: (f32, f32),
    tilt: f32,
    turn: Turn,
    nod: Turn,
    closed: f32,
    talk: f32,
}

/// A rotation's sine, and how much narrower it makes things.
struct Turn {
    sin: f32,
    narrower: f32,
}

impl Turn {
    fn of(degrees: f32) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        Self { sin, narrower: 1.0 - cos }
    }
}

impl HeadNow<'_> {
    /// The colour at a point of the view, in face coordinates of the head at rest.
    pub fn look(&self, subject: &Subject, x: f32, y: f32) -> [f32; 3] {
        let (x, y) = self.at_rest(x, y);
        let (x, y) = self.unturned(x, y);
        let (x, y) = (x, self.unblinked(x, y));
        let mouth = (-(x / 0.5).powi(2) - ((y - 1.15) / 0.25).powi(2)).exp();
        subject.at(x, y - self.talk * mouth)
    }

    /// Takes back shift, tilt and coming nearer; around the head they fade away.
    fn at_rest(&self, x: f32, y: f32) -> (f32, f32) {
        let (x, y) = (x / self.zoom, y / self.zoom);
        let share = fading((x / 1.1).hypot((y - 0.35) / 1.4), 1.3, 2.6);
        let (x, y) = (x - share * self.shift.0, y - share * self.shift.1);
        let (sin, cos) = (share * self.tilt).sin_cos();
        (x * cos + y * sin, y * cos - x * sin)
    }

    /// Takes back the turn: where the point that is seen here lies on the head facing us.
    fn unturned(&self, x: f32, y: f32) -> (f32, f32) {
        let (mut sx, mut sy) = (x, y);
        for _ in 0..3 {
            let share = fading((sx / 1.1).hypot((sy - 0.35) / 1.4), 1.0, 2.2);
            if share <= 0.0 {
                break;
            }
            let depth = self.head.depth(sx, sy);
            sx = x - depth * self.turn.sin + sx * share * self.turn.narrower;
            sy = y - depth * self.nod.sin + (sy - 0.4) * share * self.nod.narrower;
        }
        (sx, sy)
    }

    /// Where a point near an eye gets its colour from while the lid is down: from above.
    fn unblinked(&self, x: f32, y: f32) -> f32 {
        if self.closed <= 0.0 {
            return y;
        }
        let eye = (-((x.abs() - 0.5) / 0.26).powi(4) - ((y - 0.02) / 0.17).powi(4)).exp();
        y - 0.24 * self.closed * eye
    }
}

/// 1 up to `from`, 0 beyond `to`, smooth in between.
fn fading(value: f32, from: f32, to: f32) -> f32 {
    let share = ((to - value) / (to - from)).clamp(0.0, 1.0);
    share * share * (3.0 - 2.0 * share)
}
