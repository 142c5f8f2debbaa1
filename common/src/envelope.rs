//! The envelope every machine message travels in: `{v, msg_id, device, session, seq, sent_at, body}`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::codec::{self, CodecError};
use crate::ids::{DeviceId, MsgId};
use crate::time::UnixMillis;

/// The wire version this program speaks.
pub const WIRE_VERSION: u64 = 1;

/// What an envelope adds to a body, at most.
const OVERHEAD_BYTES: usize = 512;

/// A body that travels in an [`Envelope`].
pub trait Body: Serialize + DeserializeOwned {
    /// The message's name in errors and logs.
    const KIND: &'static str;
    /// The largest body accepted, in bytes of CBOR.
    const MAX_BYTES: usize;
}

/// One message between a device and the server, in either direction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope<B> {
    /// Wire version, [`WIRE_VERSION`].
    pub v: u64,
    /// Unique per message; a repeated delivery carries the same one.
    pub msg_id: MsgId,
    /// The device this message is from or for.
    pub device: DeviceId,
    /// The device's session number; the server repeats the last it saw, 0 if none.
    pub session: u64,
    /// Counts the sender's messages within the session.
    pub seq: u64,
    /// The sender's wall time.
    pub sent_at: UnixMillis,
    /// The message itself.
    pub body: B,
}

/// Only what must be known before the rest can be trusted to decode.
#[derive(Deserialize)]
struct VersionOnly {
    v: u64,
}

impl<B: Body> Envelope<B> {
    /// The envelope as CBOR.
    ///
    /// # Errors
    /// [`CodecError::TooLarge`] if the body is over its cap.
    pub fn encode(&self) -> Result<Vec<u8>, CodecError> {
        codec::to_vec(B::KIND, B::MAX_BYTES + OVERHEAD_BYTES, self)
    }

    /// Reads an envelope: size first, then version, then the rest. Unknown fields are ignored.
    ///
    /// # Errors
    /// [`CodecError::TooLarge`], [`CodecError::UnsupportedVersion`] or [`CodecError::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let max_bytes = B::MAX_BYTES + OVERHEAD_BYTES;
        let VersionOnly { v } = codec::from_slice(B::KIND, max_bytes, bytes)?;
        if v != WIRE_VERSION {
            return Err(CodecError::UnsupportedVersion { kind: B::KIND, found: v, expected: WIRE_VERSION });
        }
        codec::from_slice(B::KIND, max_bytes, bytes)
    }
}
