//! Changing the master key while servers run.

use async_trait::async_trait;
use ostiary_common::time::UnixMillis;
use uuid::Uuid;

use super::StoreError;
use crate::sealing::{Fingerprint, MasterKey, MasterKeyError};

/// Where the master key lies: a file, the environment, a systemd credential, or a key management service, for which
/// another one is written (`docs/privacy.md` says how).
#[async_trait]
pub trait MasterKeySource: Send + Sync {
    /// Where, for messages.
    fn place(&self) -> String;
    /// The key in force and, while it is changed, the one that is to follow. `None` if there is no key at all.
    async fn read(&self) -> Result<Option<HeldKeys>, MasterKeyError>;
    /// Makes the first key of an installation. [`MasterKeyError::ByHand`] where only people can.
    async fn create(&self) -> Result<MasterKey, MasterKeyError>;
    /// Makes the key that is to follow, and returns it. [`MasterKeyError::ByHand`] where only people can.
    async fn prepare(&self) -> Result<MasterKey, MasterKeyError>;
    /// Puts the key that was to follow in the place of the one in force, which nothing is wrapped with any more; says
    /// where the former one is now, or what people are to do.
    async fn settle(&self) -> Result<String, MasterKeyError>;
}

/// The keys a source holds.
#[derive(Clone, Debug)]
pub struct HeldKeys {
    /// The one in force.
    pub present: MasterKey,
    /// The one that is to follow.
    pub next: Option<MasterKey>,
}

impl HeldKeys {
    /// Both as one, for stores.
    #[must_use]
    pub fn all(&self) -> MasterKey {
        let all = self.present.clone();
        if let Some(next) = &self.next {
            all.learn(next);
        }
        all
    }
}

/// A change of the master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// From which key.
    pub former: Fingerprint,
    /// To which.
    pub present: Fingerprint,
    /// When it began.
    pub began_at: UnixMillis,
    /// When nothing was wrapped with the former one any more.
    pub finished_at: Option<UnixMillis>,
    /// Keys wrapped anew so far.
    pub rewrapped: u64,
}

/// A running server, and the keys it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHolder {
    /// Which.
    pub id: Uuid,
    /// The keys.
    pub holds: Vec<Fingerprint>,
    /// When it said so.
    pub seen_at: UnixMillis,
}

/// How far wrapping anew is: the number of the table, and the last row looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RewrapPlace {
    /// Counted from 0.
    pub table: usize,
    /// Its key.
    pub after: Vec<u8>,
}

/// What one turn of wrapping anew did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrapped {
    /// In which table.
    pub table: &'static str,
    /// Keys wrapped anew.
    pub keys: u64,
    /// Where to go on; `None` at the end.
    pub next: Option<RewrapPlace>,
}

/// What a store does while its master key is changed. Each call can be made again.
#[async_trait]
pub trait KeyRotationStore: Send + Sync {
    /// Holds these keys from now on, and those of before.
    fn learn(&self, keys: &MasterKey);
    /// Holds the key in force alone from now on.
    fn forget_former(&self, present: &Fingerprint);
    /// The key that new keys are wrapped with.
    async fn wraps_with(&self) -> Result<Fingerprint, StoreError>;
    /// The change to this key, if there was one.
    async fn rotation_to(&self, present: &Fingerprint) -> Result<Option<Rotation>, StoreError>;
    /// The change that is under way.
    async fn rotation(&self) -> Result<Option<Rotation>, StoreError>;
    /// Notes that a change to this key begins. [`StoreError::Conflict`] while one to another is under way.
    async fn begin_rotation(&self, present: &Fingerprint, now: UnixMillis) -> Result<(), StoreError>;
    /// Notes which keys a running server holds.
    async fn hold_keys(&self, holder: Uuid, now: UnixMillis) -> Result<(), StoreError>;
    /// Notes that a server has ended.
    async fn leave_keys(&self, holder: Uuid) -> Result<(), StoreError>;
    /// Servers heard of since.
    async fn key_holders(&self, since: UnixMillis) -> Result<Vec<KeyHolder>, StoreError>;
    /// Has every server wrap new keys with this one from now on.
    async fn wrap_with(&self, present: &Fingerprint) -> Result<(), StoreError>;
    /// Wraps at most so many keys anew, in one transaction.
    async fn rewrap_some(&self, from: &RewrapPlace, at_most: u32) -> Result<Rewrapped, StoreError>;
    /// Notes that nothing is wrapped with the former key any more, and empties the database's log of what was; returns
    /// how many keys were wrapped anew.
    async fn finish_rotation(&self, present: &Fingerprint, now: UnixMillis) -> Result<u64, StoreError>;
}
