//! `[outbox]`: what waits on disk until the server has stored it.

use serde::{Deserialize, Serialize};

use super::{Problem, rule};

/// `[outbox]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboxSection {
    /// Disk budget for events and their pictures together, bytes.
    pub max_bytes: u64,
    /// Of that, pictures at most, bytes; the oldest pictures go first.
    pub max_media_bytes: u64,
    /// Seconds to wait for the server's acknowledgement before sending again.
    pub ack_timeout_s: u64,
}

impl Default for OutboxSection {
    fn default() -> Self {
        Self { max_bytes: 256 * 1024 * 1024, max_media_bytes: 192 * 1024 * 1024, ack_timeout_s: 10 }
    }
}

impl OutboxSection {
    pub(super) fn check(&self, found: &mut Vec<Problem>) {
        let total = self.max_bytes >= 64 * 1024;
        rule(found, total, "outbox.max_bytes", self.max_bytes, "65536 bytes or more");
        let media = self.max_media_bytes <= self.max_bytes;
        rule(found, media, "outbox.max_media_bytes", self.max_media_bytes, "0 to outbox.max_bytes");
        let wait = (1..=600).contains(&self.ack_timeout_s);
        rule(found, wait, "outbox.ack_timeout_s", self.ack_timeout_s, "1 to 600 seconds");
    }
}
