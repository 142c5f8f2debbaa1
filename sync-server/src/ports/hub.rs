//! What several servers do together without their store: counting, and telling each other to look.

use std::time::Duration;

use async_trait::async_trait;

/// Counters that several servers share.
#[async_trait]
pub trait SharedCounters: Send + Sync {
    /// Draws `count` from what `key` has, all or nothing: one is refilled every `step`, `refill` fills it from empty.
    /// `None` if the counters cannot be reached.
    async fn draw(&self, key: &str, step: Duration, refill: Duration, count: u32) -> Option<Drawn>;
}

/// What became of a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// How many more would be let through now.
    pub left: u32,
    /// Nothing if this one was let through; else the time until it would be.
    pub wait: Option<Duration>,
}
