//! Holding still: looks that follow each other closely, in pose and place.

use std::time::Duration;

use ostiary_common::wire::Angle;

use super::{Glance, GuideRules, Shot};
use crate::embed::Embedding;
use crate::geometry::Rect;
use crate::quality::HeadPose;

/// Degrees by which yaw or pitch may change from look to look; landmarks tremble by some of them.
const STEADY_DEG: f32 = 7.0;
/// By how much the face may move from look to look, in its own widths.
const STEADY_SHIFT: f32 = 0.15;
/// The longest time between two looks of one hold: a busy machine answers a frame a second.
const MOST_GAP: Duration = Duration::from_secs(2);

/// A pose that is being held.
#[derive(Clone, Debug)]
pub(super) struct Hold<P> {
    angle: Angle,
    since: Duration,
    last: Duration,
    place: Rect,
    head: HeadPose,
    looks: u32,
    best: Shot<P>,
}

impl<P> Hold<P> {
    pub(super) fn begin(angle: Angle, at: Duration, glance: Glance<P>, embedding: Embedding) -> Self {
        let (place, head) = (glance.face.bbox, glance.quality.head);
        Self { angle, since: at, last: at, place, head, looks: 1, best: shot(angle, glance, embedding) }
    }

    /// Whether a look goes on with this.
    pub(super) fn continues(&self, angle: Angle, at: Duration, glance: &Glance<P>) -> bool {
        let head = &glance.quality.head;
        let turn = (head.yaw - self.head.yaw).abs().max((head.pitch - self.head.pitch).abs());
        let (was, is) = (self.place.centre(), glance.face.bbox.centre());
        let shift = was.distance(is) + (self.place.width - glance.face.bbox.width).abs();
        self.angle == angle
            && at.saturating_sub(self.last) <= MOST_GAP
            && turn <= STEADY_DEG
            && shift <= STEADY_SHIFT * self.place.width
    }

    /// Goes on with a look; the best one so far is kept.
    pub(super) fn go_on(&mut self, at: Duration, glance: Glance<P>, embedding: Embedding) {
        (self.last, self.place, self.head) = (at, glance.face.bbox, glance.quality.head);
        self.looks += 1;
        if glance.quality.overall > self.best.quality.overall {
            self.best = shot(self.angle, glance, embedding);
        }
    }

    /// How much of the hold is done, 0 to 1.
    pub(super) fn share(&self, rules: &GuideRules) -> f32 {
        let held = (self.last - self.since).as_secs_f32();
        let time = if rules.hold.is_zero() { 1.0 } else { held / rules.hold.as_secs_f32() };
        let looks = self.looks as f32 / rules.hold_looks.max(1) as f32;
        time.min(looks).clamp(0.0, 1.0)
    }

    pub(super) fn into_best(self) -> Shot<P> {
        self.best
    }
}

pub(super) fn shot<P>(angle: Angle, glance: Glance<P>, embedding: Embedding) -> Shot<P> {
    let Glance { face, quality, chip, keep, .. } = glance;
    Shot { angle, quality, face, chip, embedding, keep }
}
