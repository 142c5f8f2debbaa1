//! Counts how often is asked, in this process or for several servers together.

use std::num::NonZeroU32;

use async_trait::async_trait;

use crate::domain::throttle::{Budget, Standing, Subject};

/// Counts. It never fails: an adapter whose counters are elsewhere counts here while they cannot be reached, since
/// neither letting everybody in nor shutting everybody out is an answer to a broken cable.
#[async_trait]
pub trait Throttle: Send + Sync {
    /// Draws `count` from what `subject` has of `budget`: all of it or nothing.
    async fn take(&self, budget: &Budget, subject: &Subject, count: NonZeroU32) -> Standing;

    /// Forgets who has been quiet, so that addresses seen once do not pile up. To be called every minute or so.
    fn forget_quiet(&self);
}
