//! The installation's media key: pictures and embeddings of visits that matched nobody, whose retention is time.

use ostiary_common::ids::EventId;
use ostiary_common::seal::{OpenError, SealKey};

/// Seals what came with an event of nobody known.
#[derive(Debug)]
pub struct MediaKey(SealKey);

impl MediaKey {
    pub(super) const fn new(key: SealKey) -> Self {
        Self(key)
    }

    /// Seals what came with an event: `what` is `crop` or `embedding`.
    pub fn seal_of_event(&self, what: &str, event: EventId, plain: &[u8]) -> Vec<u8> {
        self.0.seal(&event_place(what, event), plain)
    }

    /// Opens what came with an event.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_of_event(&self, what: &str, event: EventId, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        self.0.open(&event_place(what, event), sealed)
    }
}

pub(super) fn event_place(what: &str, event: EventId) -> Vec<u8> {
    [what.as_bytes(), b"/", event.as_bytes()].concat()
}
