//! Which frames are looked at at all: an empty door is only glanced at, and who was decided is only followed.

use std::time::Duration;

use ostiary_models::motion::{Glance, MotionGate, Why};

use crate::ports::Frame;
use crate::shared::Shared;
use crate::telemetry::Stage;

/// While everyone in sight is decided, a look now and then is enough to follow them and to find who joins them.
const FOLLOW_EVERY: Duration = Duration::from_millis(200);

/// Who is in sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// Nobody.
    Nobody,
    /// People whose visits are all decided, beyond doubt.
    Decided,
    /// Somebody whose visit is open.
    Open,
}

/// Decides which frames are looked at.
#[derive(Default)]
pub struct Attention {
    gate: MotionGate,
    followed: Option<Duration>,
}

impl Attention {
    /// Why the frame is to be looked at; `None` if it is not.
    pub fn call(&mut self, frame: &Frame, company: Company, shared: &Shared) -> Option<Why> {
        let telemetry = &shared.telemetry;
        let in_sight = company != Company::Nobody;
        let is_followed = self.followed.is_some_and(|then| frame.at.saturating_sub(then) < FOLLOW_EVERY);
        if company == Company::Decided && is_followed {
            telemetry.frames_followed.add_one();
            return None;
        }
        let glance = telemetry.stages.time(Stage::Motion, || {
            let wanted = self.gate.wants_sample(frame.at, in_sight, frame.picture.is_coded());
            let sample = wanted.then(|| frame.picture.luma_grid()).flatten();
            self.gate.judge(frame.at, sample.as_ref(), in_sight)
        });
        match glance {
            Glance::Look(why) => {
                self.followed = Some(frame.at);
                Some(why)
            }
            Glance::Skip => {
                telemetry.frames_still.add_one();
                None
            }
        }
    }
}
