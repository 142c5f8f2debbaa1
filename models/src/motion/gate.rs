//! Whether a frame is worth a look.

use std::time::Duration;

use super::background::{Background, Change};
use super::grid::LumaGrid;

/// A scene that stands still is looked at again after this time: someone may have come unnoticed, or may stand
/// there since before the start.
const RECHECK: Duration = Duration::from_secs(3);
/// After the last movement each frame is looked at for this time: who has just stopped turns to the camera.
const LINGER: Duration = Duration::from_millis(700);
/// Where taking a sample is as dear as decoding the frame: between samples of a scene that stands still.
const SPARSE: Duration = Duration::from_millis(200);
/// Changed blocks, side by side, that count as movement.
const LEAST_BLOCKS: usize = 2;

/// Why a frame is worth a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// A face is in sight.
    InSight,
    /// Something moves.
    Moving,
    /// Something moved a moment ago.
    JustMoved,
    /// The light changed, or this is the first frame.
    NewLight,
    /// Nobody has looked for a while.
    Recheck,
}

/// What to do with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glance {
    /// Look at it.
    Look(Why),
    /// Nothing new: pass over it.
    Skip,
}

/// Watches a scene and says which frames are worth a look. Times are on the source's own time line.
#[derive(Clone, Debug, Default)]
pub struct MotionGate {
    background: Background,
    moved: Option<Duration>,
    looked: Option<Duration>,
    sampled: Option<Duration>,
}

impl MotionGate {
    /// Whether a sample of the frame at `at` is of use. With `is_dear`, taking one costs as much as decoding the
    /// frame: then one is taken only now and then. [`MotionGate::judge`] does without those not taken.
    #[must_use]
    pub fn wants_sample(&self, at: Duration, in_sight: bool, is_dear: bool) -> bool {
        if in_sight {
            return false;
        }
        let past = |moment: Option<Duration>, time: Duration| moment.is_none_or(|then| at.saturating_sub(then) >= time);
        !is_dear || (past(self.moved, LINGER / 2) && past(self.sampled, SPARSE))
    }

    /// Judges the frame at `at`, with a sample of it if one was taken.
    pub fn judge(&mut self, at: Duration, sample: Option<&LumaGrid>, in_sight: bool) -> Glance {
        let change = sample.map(|grid| self.background.update(at, grid));
        if change.is_some() {
            self.sampled = Some(at);
        }
        let why = self.reason(at, change, in_sight);
        if let Some(why) = why {
            self.looked = Some(at);
            return Glance::Look(why);
        }
        Glance::Skip
    }

    fn reason(&mut self, at: Duration, change: Option<Change>, in_sight: bool) -> Option<Why> {
        if in_sight {
            // Whoever is in sight leaves by moving; what is behind is looked at once they have gone.
            self.moved = Some(at);
            return Some(Why::InSight);
        }
        match change {
            Some(Change::First | Change::Light) => {
                self.moved = Some(at);
                return Some(Why::NewLight);
            }
            Some(Change::Blocks(count)) if count >= LEAST_BLOCKS => {
                self.moved = Some(at);
                return Some(Why::Moving);
            }
            _ => {}
        }
        let within = |moment: Option<Duration>, time| moment.is_some_and(|then| at.saturating_sub(then) < time);
        if within(self.moved, LINGER) {
            Some(Why::JustMoved)
        } else {
            (!within(self.looked, RECHECK)).then_some(Why::Recheck)
        }
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
