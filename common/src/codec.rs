//! CBOR with size caps. Every type that travels has a cap, checked before a byte is decoded.
//!
//! The one place that knows `serde_cbor` (unmaintained, hence fenced in here: ADR 0003).

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why bytes could not become a message, or a message bytes.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// Larger than its type may be; nothing was decoded.
    #[error("message of {size_bytes} bytes is over the limit of {max_bytes} bytes for {kind}")]
    TooLarge {
        /// The message type.
        kind: &'static str,
        /// What came.
        size_bytes: usize,
        /// What is allowed.
        max_bytes: usize,
    },
    /// Not CBOR, cut short, followed by other bytes, or not of the expected shape.
    #[error("cannot decode {kind}: {reason}")]
    Malformed {
        /// The message type.
        kind: &'static str,
        /// The decoder's words.
        reason: String,
    },
    /// An envelope of a version this program does not speak.
    #[error("{kind} has wire version {found}, but this program speaks version {expected}: update the older side")]
    UnsupportedVersion {
        /// The message type.
        kind: &'static str,
        /// The sender's version.
        found: u64,
        /// Ours.
        expected: u64,
    },
    /// The value cannot be written as CBOR.
    #[error("cannot encode {kind}: {reason}")]
    Encode {
        /// The message type.
        kind: &'static str,
        /// The encoder's words.
        reason: String,
    },
}

/// Encodes `value` with string keys, so that fields can be added.
///
/// # Errors
/// [`CodecError::TooLarge`] above `max_bytes`; [`CodecError::Encode`] if the value has no CBOR form.
pub fn to_vec<T: Serialize>(kind: &'static str, max_bytes: usize, value: &T) -> Result<Vec<u8>, CodecError> {
    let bytes = serde_cbor::to_vec(value).map_err(|e| CodecError::Encode { kind, reason: e.to_string() })?;
    within(kind, max_bytes, bytes.len())?;
    Ok(bytes)
}

/// Decodes one value that fills `bytes` exactly; unknown fields are ignored.
///
/// # Errors
/// [`CodecError::TooLarge`] above `max_bytes`, before decoding; [`CodecError::Malformed`] otherwise.
pub fn from_slice<T: DeserializeOwned>(kind: &'static str, max_bytes: usize, bytes: &[u8]) -> Result<T, CodecError> {
    within(kind, max_bytes, bytes.len())?;
    serde_cbor::from_slice(bytes).map_err(|e| CodecError::Malformed { kind, reason: e.to_string() })
}

const fn within(kind: &'static str, max_bytes: usize, size_bytes: usize) -> Result<(), CodecError> {
    if size_bytes > max_bytes { Err(CodecError::TooLarge { kind, size_bytes, max_bytes }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_trailing_truncated_deep_and_large() {
        let good = to_vec("test", 100, &vec![1u32, 2, 3]).unwrap();
        assert_eq!(from_slice::<Vec<u32>>("test", 100, &good).unwrap(), [1, 2, 3]);
        let mut trailing = good.clone();
        trailing.push(0);
        let deep = vec![0x81u8; 5000];
        let huge_claim = [0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        for bad in [&trailing[..], &good[..2], &[], &deep[..], &huge_claim[..]] {
            assert!(matches!(from_slice::<Vec<u32>>("test", 10_000, bad), Err(CodecError::Malformed { .. })));
        }
        assert!(matches!(from_slice::<Vec<u32>>("test", 3, &good), Err(CodecError::TooLarge { size_bytes: 4, .. })));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = from_slice::<crate::wire::EventBatch>("test", 512, &bytes);
        }
    }
}
