//! Time that passes only when the simulation says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use ostiary_common::time::UnixMillis;
use ostiary_server::ports::Clock;

/// When every simulation begins: 1 January 2026.
const BEGIN: UnixMillis = UnixMillis(1_767_225_600_000);

/// The true time, and how wrong the server's wall clock is.
#[derive(Clone, Default)]
pub struct VirtualTime(Arc<Hands>);

#[derive(Default)]
struct Hands {
    elapsed_ms: AtomicU64,
    server_off_ms: AtomicI64,
}

impl VirtualTime {
    /// Time passes.
    pub fn pass(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.0.elapsed_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// Since the beginning.
    pub fn since_begin(&self) -> Duration {
        Duration::from_millis(self.0.elapsed_ms.load(Ordering::Relaxed))
    }

    /// The true wall time.
    pub fn truth(&self) -> UnixMillis {
        BEGIN.plus(self.since_begin())
    }

    /// The server's wall clock is wrong by this much.
    pub fn set_server_off(&self, ms: i64) {
        self.0.server_off_ms.store(ms, Ordering::Relaxed);
    }
}

impl Clock for VirtualTime {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.truth().0 + self.0.server_off_ms.load(Ordering::Relaxed))
    }

    fn elapsed(&self) -> Duration {
        self.since_begin()
    }
}
