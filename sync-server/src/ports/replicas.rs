//! What servers over one store know of each other through it.

use std::time::Duration;

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::StoreError;
use crate::domain::replica::{Fence, Pulse, ReplicaCard, ReplicaId, ReplicaSeen};

/// Heartbeats, leases, and the count of changes.
#[async_trait]
pub trait ReplicaStore: Send + Sync {
    /// Says that a server is there.
    async fn beat(&self, me: &ReplicaCard) -> Result<(), StoreError>;
    /// Says that a server has ended in order.
    async fn leave(&self, id: ReplicaId) -> Result<(), StoreError>;
    /// Every server heard of lately, the oldest run first; those silent for longer than `forget` are forgotten.
    async fn replicas(&self, forget: Duration) -> Result<Vec<ReplicaSeen>, StoreError>;
    /// Takes a lease for a time, or keeps it; `None` while another has it. The store's clock alone says when it ends.
    async fn take_lease(&self, name: &str, me: ReplicaId, lasts: Duration) -> Result<Option<Fence>, StoreError>;
    /// Gives a lease back before its end; nothing if another has it.
    async fn give_back_lease(&self, name: &str, me: ReplicaId) -> Result<(), StoreError>;
    /// Where every topic stands, in one look.
    async fn pulse(&self) -> Result<Pulse, StoreError>;
}

/// A secret by its name.
pub type NamedSecret = (String, Zeroizing<Vec<u8>>);

/// Secrets that every server needs, sealed in the store.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// Every secret, by name.
    async fn shared_secrets(&self) -> Result<Vec<NamedSecret>, StoreError>;
    /// Puts those that are not there yet, all or none; what is there stays. Returns whether any was put.
    async fn add_shared_secrets(&self, secrets: &[NamedSecret]) -> Result<bool, StoreError>;
    /// Takes one out and puts another in its stead, as the leader of this fence; `false` if another leads by now.
    async fn replace_shared_secret(&self, old: &str, new: &NamedSecret, fence: Fence) -> Result<bool, StoreError>;
}

/// The lease of the server that does what one must do for all.
pub const LEADER: &str = "leader";
