//! The pace of looking, applied: what the pace knows comes from the clock, the counters and the thermometer.

use std::time::{Duration, Instant};

use super::heat::Thermometer;
use crate::domain::pace::{Heat, Pace};
use crate::shared::Shared;

/// Looks at fewer frames when the board is pressed or hot.
pub struct Rate {
    is_live: bool,
    pace: Pace,
    thermometer: Thermometer,
    dropped: u64,
    was_slow: bool,
}

impl Rate {
    /// With `is_live`, frames come in their own time; a recording at full speed is never slowed down.
    pub fn new(is_live: bool) -> Self {
        let (pace, thermometer) = (Pace::default(), Thermometer::new());
        Self { is_live, pace, thermometer, dropped: 0, was_slow: false }
    }

    /// Whether the frame taken at `at` is to be looked at.
    pub fn is_due(&mut self, at: Duration, shared: &Shared) -> bool {
        let is_due = !self.is_live || self.pace.is_due(at);
        if !is_due {
            shared.telemetry.frames_paced.add_one();
        }
        is_due
    }

    /// The frame taken at `at` was looked at since `begun`.
    pub fn worked(&mut self, at: Duration, begun: Instant, shared: &Shared) {
        let telemetry = &shared.telemetry;
        let now = Instant::now();
        let took = now - begun;
        telemetry.processing_us.add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        if !self.is_live {
            return;
        }
        let dropped = telemetry.frames_dropped.get();
        self.pace.worked(at, took, dropped.saturating_sub(std::mem::replace(&mut self.dropped, dropped)));
        if let Some((celsius, limit)) = self.thermometer.read(now)
            && self.pace.measured(celsius, limit)
        {
            tracing::info!(celsius, limit, "the board is {:?}: {celsius:.0} of {limit:.0} degrees", self.pace.heat());
        }
        self.tell(shared);
    }

    /// Shows the pace in the figures, and says once when it begins and when it ends.
    fn tell(&mut self, shared: &Shared) {
        let gap = self.pace.gap();
        shared.telemetry.frame_gap_ms.set(u64::try_from(gap.as_millis()).unwrap_or(u64::MAX));
        shared.telemetry.heat.set(self.pace.heat() as u64);
        let is_slow = !gap.is_zero();
        if is_slow != self.was_slow {
            self.was_slow = is_slow;
            let why = if self.pace.heat() == Heat::Fine { "the processor is busy" } else { "the board is hot" };
            if is_slow {
                tracing::warn!("frames are looked at less often: {why}");
            } else {
                tracing::info!("every frame is looked at again");
            }
        }
    }
}
