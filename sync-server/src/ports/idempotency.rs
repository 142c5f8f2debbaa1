//! Requests that are to be carried out once, however often they come.

use async_trait::async_trait;
use ostiary_common::time::UnixMillis;

use super::StoreError;

/// A request with a key, about to be carried out.
#[derive(Clone, Debug)]
pub struct KeyClaim {
    /// Whose: keys of different accounts have nothing to do with each other.
    pub account: String,
    /// The key as the client chose it.
    pub key: String,
    /// SHA-256 over everything that makes the request this one.
    pub fingerprint: [u8; 32],
    /// Whether the answer tells of a person.
    pub personal: bool,
    /// Now.
    pub now: UnixMillis,
    /// The key is forgotten then.
    pub ends_at: UnixMillis,
}

/// How a claim stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyStanding {
    /// Nobody had it: carry the request out.
    Ours,
    /// The same request is being carried out.
    InProgress,
    /// The same request was carried out.
    Done {
        /// HTTP status.
        status: u16,
        /// The answer, sealed; `None` if it was not kept, or a person it told of is gone.
        answer: Option<Vec<u8>>,
    },
    /// The same request was begun, and nobody knows how far it came.
    Unknown,
    /// Another request came with this key.
    OtherRequest,
    /// The account has as many keys as it may.
    TooMany,
}

/// How a request with a key ended.
#[derive(Clone, Debug)]
pub enum KeyOutcome {
    /// It was carried out.
    Done {
        /// HTTP status.
        status: u16,
        /// The answer, sealed, if it is to be kept.
        answer: Option<Vec<u8>>,
    },
    /// It failed in a way that leaves open how far it came.
    Unknown,
    /// It was refused: nothing was done, and the key is free again.
    Refused,
}

/// Keys of requests, for a day.
#[async_trait]
pub trait IdempotencyStore: Send + Sync {
    /// Takes a key, or says who has it.
    async fn claim_key(&self, claim: &KeyClaim) -> Result<KeyStanding, StoreError>;
    /// Says how the request ended.
    async fn settle_key(&self, account: &str, key: &str, outcome: &KeyOutcome) -> Result<(), StoreError>;
    /// Forgets keys whose time is over.
    async fn forget_keys(&self, now: UnixMillis) -> Result<u64, StoreError>;
}
