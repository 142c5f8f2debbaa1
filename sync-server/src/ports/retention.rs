//! Removing what is old enough, and telling what was.

use async_trait::async_trait;
use ostiary_common::time::UnixMillis;

use super::StoreError;
use crate::domain::retention::{DataKind, Held, Removed};

/// Removes by age, and keeps count of it by day.
#[async_trait]
pub trait RetentionStore: Send + Sync {
    /// Removes what of a kind is of before a moment, the oldest first, `at_most` so much at once: others write between
    /// two calls. Returns how much; less than `at_most` means that no more is that old. The audit log is not cut here, nor
    /// are conversations removed, whose time depends on their site.
    async fn remove_old(
        &self,
        kind: DataKind,
        before: UnixMillis,
        at_most: u32,
        now: UnixMillis,
    ) -> Result<u64, StoreError>;
    /// Notes what was removed otherwise.
    async fn note_removed(&self, kind: DataKind, count: u64, now: UnixMillis) -> Result<(), StoreError>;
    /// What was removed since a day, the newest day first.
    async fn removed_since(&self, day: i64) -> Result<Vec<Removed>, StoreError>;
    /// What of a kind there is; due is what is of before a moment.
    async fn held(&self, kind: DataKind, before: Option<UnixMillis>) -> Result<Held, StoreError>;
}
