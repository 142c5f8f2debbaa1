//! The time.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use ostiary_common::time::UnixMillis;

/// Wall time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> UnixMillis;

    /// Time since a fixed moment of this process: for pauses and limits, which a corrected wall clock must not move.
    fn elapsed(&self) -> Duration {
        STARTED.elapsed()
    }
}

/// What [`Clock::elapsed`] counts from unless a clock says otherwise.
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);
