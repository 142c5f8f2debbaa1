//! systemd's watchdog: fed only while frames and loops go round.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;

use crate::shared::Shared;

/// How often the loops are looked at.
pub const ROUND: Duration = Duration::from_millis(500);
/// A loop that has not gone round for this long stands still.
const STILL: Duration = Duration::from_secs(45);

/// Looks at the loops and tells systemd.
pub struct Watchdog {
    shared: Arc<Shared>,
    was_alive: bool,
}

impl Watchdog {
    /// A watchdog over the loops of `shared`.
    pub const fn new(shared: Arc<Shared>) -> Self {
        Self { shared, was_alive: true }
    }

    /// One round. With `source_ended` no frames are expected any more.
    pub fn round(&mut self, source_ended: bool) {
        let (now, beats) = (self.shared.clock.elapsed(), &self.shared.heartbeats);
        if source_ended {
            beats.capture.beat(now);
            beats.pipeline.beat(now);
        }
        let alive = beats.all_alive(now, STILL);
        if alive {
            notify(NotifyState::Watchdog);
        } else if self.was_alive {
            tracing::error!("a loop stands still: {beats:?}; the watchdog is not fed any more");
        }
        self.was_alive = alive;
    }
}

/// The daemon is up.
pub fn ready() {
    notify(NotifyState::Ready);
}

/// The daemon ends.
pub fn stopping() {
    notify(NotifyState::Stopping);
}

fn notify(state: NotifyState<'_>) {
    // Without systemd nobody listens, which is no error.
    let _ = sd_notify::notify(&[state]);
}
