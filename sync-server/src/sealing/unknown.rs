//! An unknown visitor's key: what came with the visits that were put together as one. It goes when the visitor is
//! forgotten, becomes a person, or turns out to be another.

use ostiary_common::ids::EventId;
use ostiary_common::seal::{OpenError, SealKey};

use super::media::event_place;

/// Seals what came with the visits of somebody nobody knows.
#[derive(Debug)]
pub struct UnknownKey(SealKey);

impl UnknownKey {
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
