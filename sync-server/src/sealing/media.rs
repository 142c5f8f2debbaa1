//! The installation's media key: pictures and embeddings of visits that matched nobody, and what devices' answers to
//! commands carry; their retention is time.

use ostiary_common::ids::{EventId, MsgId};
use ostiary_common::seal::{OpenError, SealKey};

/// Seals what came with an event of nobody known, and what may show anybody.
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

    /// Seals what came with a device's answer to a command.
    pub fn seal_of_command(&self, command: MsgId, plain: &[u8]) -> Vec<u8> {
        self.0.seal(&command_place(command), plain)
    }

    /// Opens what came with an answer.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_of_command(&self, command: MsgId, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        self.0.open(&command_place(command), sealed)
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

fn command_place(command: MsgId) -> Vec<u8> {
    [b"command/".as_slice(), command.as_bytes()].concat()
}
