//! Where people's browsers take messages (RFC 8030), as the store keeps it.

use std::collections::HashSet;

use async_trait::async_trait;
use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;

use super::StoreError;
use crate::domain::notify::PushId;

/// Bytes of a browser's public key: a point of P-256, uncompressed.
pub const KEY_BYTES: usize = 65;
/// Bytes of its secret, which proves that a message is for it.
pub const AUTH_BYTES: usize = 16;

/// A browser that takes messages.
#[derive(Clone, PartialEq, Eq)]
pub struct PushSubscription {
    /// Id.
    pub id: PushId,
    /// Whose it is.
    pub account: UserId,
    /// Where messages for it go: an address at the browser's maker, which whoever has it may send to.
    pub endpoint: String,
    /// Its public key, [`KEY_BYTES`].
    pub key: Vec<u8>,
    /// Its secret, [`AUTH_BYTES`].
    pub auth: Vec<u8>,
    /// What it called itself when it asked.
    pub user_agent: String,
    /// When it asked.
    pub created_at: UnixMillis,
    /// When a message last went there.
    pub used_at: Option<UnixMillis>,
}

/// Keeps browsers.
#[async_trait]
pub trait PushStore: Send + Sync {
    /// Adds a browser; one that is known by its address takes new keys. Of more than `most` the ones least lately used go.
    async fn add_push(&self, subscription: &PushSubscription, most: u32) -> Result<(), StoreError>;
    /// An account's browsers, the oldest first.
    async fn pushes_of(&self, account: UserId) -> Result<Vec<PushSubscription>, StoreError>;
    /// Accounts that have any.
    async fn accounts_with_push(&self) -> Result<HashSet<UserId>, StoreError>;
    /// Removes one of an account; `false` if it has none such.
    async fn remove_push(&self, account: UserId, id: PushId) -> Result<bool, StoreError>;
    /// A message went there.
    async fn push_used(&self, id: PushId, now: UnixMillis) -> Result<(), StoreError>;
}
