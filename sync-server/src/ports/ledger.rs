//! The audit log as a chain: appended with what was changed, read by filter, walked, signed, cut.

use async_trait::async_trait;
use ostiary_common::time::UnixMillis;

use super::StoreError;
use crate::domain::audit::chain::{ChainPoint, ChainedLine};
use crate::domain::audit::{AuditEntry, AuditFilter, AuditPosition, AuditTrace};

/// The audit log beyond [`AuditStore`].
#[async_trait]
pub trait LedgerStore: Send + Sync {
    /// Appends a line with what goes with it.
    async fn audit_traced(&self, entry: &AuditEntry, trace: &AuditTrace) -> Result<(), StoreError>;
    /// A page of lines, the newest first, below `before`.
    async fn audit_lines(
        &self,
        filter: &AuditFilter,
        before: Option<AuditPosition>,
        limit: u32,
    ) -> Result<Vec<ChainedLine>, StoreError>;
    /// Lines in the order of the chain, after number `after`.
    async fn audit_walk(&self, after: u64, limit: u32) -> Result<Vec<ChainedLine>, StoreError>;
    /// The last line.
    async fn audit_head(&self) -> Result<ChainPoint, StoreError>;
    /// The last line written before `at` and before every line that is not.
    async fn audit_last_before(&self, at: UnixMillis) -> Result<Option<ChainPoint>, StoreError>;
    /// Keeps a signed head; `false` if that line was signed before.
    async fn add_audit_checkpoint(&self, seq: u64, token: &str) -> Result<bool, StoreError>;
    /// Signed heads, the oldest first.
    async fn audit_checkpoints(&self) -> Result<Vec<String>, StoreError>;
    /// In one transaction: keeps a signed cut after line `upto`, and removes the lines up to it and signed heads before.
    /// Returns how many lines went.
    async fn cut_audit(&self, upto: u64, token: &str) -> Result<u64, StoreError>;
    /// The last signed cut.
    async fn audit_cut(&self) -> Result<Option<String>, StoreError>;
}

/// The audit log.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Appends a line; reading them is in [`LedgerStore`].
    async fn audit(&self, entry: &AuditEntry) -> Result<(), StoreError>;
}
