//! Which frames are looked at at all: an empty door is only glanced at, and of whom nothing is wanted is only
//! followed.

use std::time::Duration;

use ostiary_models::motion::{Glance, MotionGate, Why};

use crate::ports::Frame;
use crate::shared::Shared;
use crate::telemetry::Stage;

/// While no look is wanted of anyone in sight, one now and then is enough to follow them and to find who joins them.
const FOLLOW_EVERY: Duration = Duration::from_millis(300);

/// Looks in a row at something that moves and shows no face, before it is taken for a shadow, a plant, a door leaf.
const LOOKS_IN_VAIN: u32 = 4;
/// From then on it is looked at this often, which is how much later someone who steps into it may be found.
const VAIN_EVERY: Duration = Duration::from_millis(300);
/// What moves again after this long is something new.
const CALM: Duration = Duration::from_secs(1);

/// Who is in sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// Nobody.
    Nobody,
    /// People of whom no look is wanted now: decided, or looked at a moment ago.
    AtRest,
    /// Somebody whose visit waits for a look.
    Open,
}

/// Decides which frames are looked at.
#[derive(Default)]
pub struct Attention {
    gate: MotionGate,
    looked: Option<Duration>,
    in_vain: u32,
}

impl Attention {
    /// Why the frame is to be looked at; `None` if it is not.
    pub fn call(&mut self, frame: &Frame, company: Company, shared: &Shared) -> Option<Why> {
        let telemetry = &shared.telemetry;
        let in_sight = company != Company::Nobody;
        let since = self.looked.map_or(Duration::MAX, |then| frame.at.saturating_sub(then));
        // Who was just missed is looked for again at once: by the next look in turn they might be lost.
        let was_missed = self.in_vain == 1;
        if company == Company::AtRest && since < FOLLOW_EVERY && !was_missed {
            telemetry.frames_followed.add_one();
            return None;
        }
        let glance = telemetry.stages.time(Stage::Motion, || {
            let wanted = self.gate.wants_sample(frame.at, in_sight, frame.picture.is_coded());
            let sample = wanted.then(|| frame.picture.luma_grid()).flatten();
            if let Some(grid) = &sample {
                shared.board.sight.measured(grid.means());
            }
            self.gate.judge(frame.at, sample.as_ref(), in_sight)
        });
        match glance {
            Glance::Look(Why::Moving | Why::JustMoved) if self.in_vain >= LOOKS_IN_VAIN && since < VAIN_EVERY => {
                telemetry.frames_vain.add_one();
                None
            }
            Glance::Look(why) => {
                self.looked = Some(frame.at);
                Some(why)
            }
            Glance::Skip => {
                if since >= CALM {
                    self.in_vain = 0;
                }
                telemetry.frames_still.add_one();
                None
            }
        }
    }

    /// What came of a look: whether there was anything like a face.
    pub const fn looked(&mut self, found: bool) {
        self.in_vain = if found { 0 } else { self.in_vain.saturating_add(1) };
    }
}
