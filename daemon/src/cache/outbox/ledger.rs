//! What the outbox knows of its rows without reading them: numbers, sizes, sums.

use std::collections::BTreeMap;

use ostiary_common::ids::StreamId;
use serde::{Deserialize, Serialize};

use crate::cache::CacheError;

/// Stored beside the rows: goes on counting when they are gone.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Head {
    pub stream: StreamId,
    /// The next key. Keys never begin anew; numbers of the stream count from `base`.
    pub next_seq: u64,
    /// The last key before the stream began.
    #[serde(default)]
    pub base: u64,
}

impl Head {
    /// The last number given in the stream; 0 for none yet.
    pub const fn last(&self) -> u64 {
        self.next_seq - 1 - self.base
    }
}

/// What a row takes on disk, bytes.
#[derive(Clone, Copy, Default)]
pub struct Sizes {
    pub event: u64,
    pub media: u64,
}

/// The rows there are.
pub struct Ledger {
    pub head: Head,
    pub rows: BTreeMap<u64, Sizes>,
    pub event_bytes: u64,
    pub media_bytes: u64,
}

impl Ledger {
    pub const fn total(&self) -> u64 {
        self.event_bytes + self.media_bytes
    }

    pub fn insert(&mut self, seq: u64, sizes: Sizes) {
        self.event_bytes += sizes.event;
        self.media_bytes += sizes.media;
        self.rows.insert(seq, sizes);
    }

    pub fn add_media(&mut self, seq: u64, size_bytes: u64) {
        if let Some(sizes) = self.rows.get_mut(&seq) {
            sizes.media = size_bytes;
            self.media_bytes += size_bytes;
        }
    }

    pub fn drop_media(&mut self, seq: u64) {
        if let Some(sizes) = self.rows.get_mut(&seq) {
            self.media_bytes -= std::mem::take(&mut sizes.media);
        }
    }

    pub fn remove(&mut self, seq: u64) -> Option<Sizes> {
        let sizes = self.rows.remove(&seq)?;
        self.event_bytes -= sizes.event;
        self.media_bytes -= sizes.media;
        Some(sizes)
    }

    pub fn check(&self) -> Result<(), CacheError> {
        match self.rows.keys().next_back() {
            Some(&last) if last >= self.head.next_seq => {
                let text = format!("outbox has event {last}, but the next number is {}", self.head.next_seq);
                Err(CacheError::Inconsistent(text))
            }
            _ => Ok(()),
        }
    }
}
