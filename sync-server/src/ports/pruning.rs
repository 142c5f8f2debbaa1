//! What takes old things out of the store.

use async_trait::async_trait;
use ostiary_common::time::UnixMillis;

use super::StoreError;

/// Removes what is old enough.
#[async_trait]
pub trait PruneStore: Send + Sync {
    /// Removes events of before a moment, the oldest first, with what belongs to them, `at_most` so many at once: others
    /// write between two calls. Returns how many; fewer than `at_most` means that no more are that old.
    async fn prune_events(&self, before: UnixMillis, at_most: u32) -> Result<u64, StoreError>;
}
