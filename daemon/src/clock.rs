//! The clocks of the board: wall time with a floor, monotonic time, the boot they belong to.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use ostiary_common::ids::BootId;
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::EventTime;

use crate::domain::credentials::Moment;
use crate::domain::now::Now;

/// A clock this near to the server's can be believed.
const BELIEVED_MS: i64 = 30_000;
/// systemd-timesyncd makes this file once the clock is set from the network.
const TIMESYNC_FLAG: &str = "/run/systemd/timesync/synchronized";

/// The board's clocks.
#[derive(Debug)]
pub struct SystemClock {
    boot: BootId,
    started: Instant,
    /// Time since boot when the program started.
    uptime_at_start: Duration,
    /// It cannot be earlier than this.
    floor: AtomicI64,
    /// Whether the server's time agreed with ours when it was last heard.
    agreed: AtomicBool,
}

impl SystemClock {
    /// Reads the kernel's boot id and uptime; where there is none, a boot id is made up for this run.
    #[must_use]
    pub fn new() -> Self {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        let uptime = std::fs::read_to_string("/proc/uptime").ok();
        let seconds = uptime.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
        Self {
            boot: boot.and_then(|text| text.trim().parse().ok()).unwrap_or_else(BootId::generate),
            started: Instant::now(),
            uptime_at_start: Duration::try_from_secs_f64(seconds.unwrap_or(0.0)).unwrap_or_default(),
            floor: AtomicI64::new(i64::MIN),
            agreed: AtomicBool::new(false),
        }
    }

    /// Wall time as the board has it, but never before the floor.
    #[must_use]
    pub fn wall(&self) -> UnixMillis {
        UnixMillis::from_system_time(SystemTime::now()).max(self.floor())
    }

    /// The floor.
    #[must_use]
    pub fn floor(&self) -> UnixMillis {
        UnixMillis(self.floor.load(Ordering::Relaxed))
    }

    /// It is not earlier than `at`.
    pub fn raise_floor(&self, at: UnixMillis) {
        self.floor.fetch_max(at.0, Ordering::Relaxed);
    }

    /// The server said what time it is just now.
    pub fn heard_server_time(&self, server: UnixMillis) {
        let own = UnixMillis::from_system_time(SystemTime::now());
        self.agreed.store(own.since_ms(server).abs() <= BELIEVED_MS, Ordering::Relaxed);
        self.raise_floor(server);
    }

    /// Whether the wall time can be believed.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.agreed.load(Ordering::Relaxed) || std::path::Path::new(TIMESYNC_FLAG).exists()
    }

    /// The present moment by the clock that may jump and the one that never does.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment { wall: self.wall(), elapsed: self.elapsed() }
    }

    /// Time since the program started.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The present moment for those who read no clock.
    #[must_use]
    pub fn now(&self, random: u128, queued: usize) -> Now {
        let (wall, synced, floor) = (self.wall(), self.is_synced(), self.floor());
        Now { monotonic: self.elapsed(), wall, synced, floor, random, queued }
    }

    /// The present moment by all clocks.
    #[must_use]
    pub fn event_time(&self) -> EventTime {
        let monotonic = self.uptime_at_start + self.started.elapsed();
        EventTime {
            wall: self.wall(),
            clock_synced: self.is_synced(),
            monotonic_ms: u64::try_from(monotonic.as_millis()).unwrap_or(u64::MAX),
            boot: self.boot,
        }
    }

    /// A moment of a little while ago by all clocks.
    #[must_use]
    pub fn event_time_at(&self, moment: Instant) -> EventTime {
        let (now, ago) = (self.event_time(), moment.elapsed().as_millis());
        let wall = now.wall.0.saturating_sub(i64::try_from(ago).unwrap_or(i64::MAX));
        let monotonic_ms = now.monotonic_ms.saturating_sub(u64::try_from(ago).unwrap_or(u64::MAX));
        EventTime { wall: UnixMillis(wall), monotonic_ms, ..now }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_ago_is_told_by_every_clock() {
        let clock = SystemClock::default();
        let decided = Instant::now().checked_sub(Duration::from_millis(1_500)).unwrap();
        let (then, now) = (clock.event_time_at(decided), clock.event_time());
        let (by_wall, by_uptime) = (now.wall.since_ms(then.wall), now.monotonic_ms - then.monotonic_ms);
        assert!((1_400..=2_500).contains(&by_wall) && (1_400..=2_500).contains(&by_uptime), "{by_wall} {by_uptime}");
        assert_eq!((then.boot, then.clock_synced), (now.boot, now.clock_synced));
    }
}
