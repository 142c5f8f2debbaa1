//! What is kept to tell how the server and its devices are.

use async_trait::async_trait;
use ostiary_common::time::UnixMillis;

use super::StoreError;
use crate::domain::fault::{FaultGroup, Fingerprint};

/// How the devices in use are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FleetCount {
    /// Claimed and not revoked.
    pub active: u64,
    /// Of those, connected.
    pub online: u64,
    /// Of those, gone without a word.
    pub lost: u64,
}

/// Faults of the program, and how the fleet is.
#[async_trait]
pub trait HealthStore: Send + Sync {
    /// Adds what occurred to what is known: counts add up, the later words stay, and what was dealt with is open again.
    /// Of all faults only the latest few hundred are kept.
    async fn add_faults(&self, faults: &[FaultGroup]) -> Result<(), StoreError>;
    /// The faults that occurred last first, those before `before`; open ones only, or all.
    async fn faults(
        &self,
        open_only: bool,
        before: Option<(UnixMillis, Fingerprint)>,
        limit: u32,
    ) -> Result<Vec<FaultGroup>, StoreError>;
    /// One fault.
    async fn fault(&self, fingerprint: &Fingerprint) -> Result<Option<FaultGroup>, StoreError>;
    /// Says that a fault is dealt with. `false` if there is no such fault.
    async fn resolve_fault(&self, fingerprint: &Fingerprint, by: &str, now: UnixMillis) -> Result<bool, StoreError>;
    /// How many open faults occurred since a moment.
    async fn count_open_faults(&self, since: UnixMillis) -> Result<u64, StoreError>;
    /// How the devices in use are.
    async fn fleet(&self) -> Result<FleetCount, StoreError>;
}
