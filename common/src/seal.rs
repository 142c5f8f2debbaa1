//! Envelope crypto: XChaCha20-Poly1305 with a random 24-byte nonce in front and the place a value belongs
//! bound in, so that a sealed value can neither be altered nor moved.

use std::fmt;

use chacha20poly1305::aead::{Aead, AeadCore, KeyInit, OsRng, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::{Zeroize, ZeroizeOnDrop};

const NONCE_BYTES: usize = 24;

/// What sealing adds to a value's size, in bytes: nonce and tag.
pub const SEAL_OVERHEAD_BYTES: usize = NONCE_BYTES + 16;

/// The sealed bytes were altered, cut, moved to another place, or sealed with another key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("sealed value cannot be opened: wrong key, damaged bytes, or moved from another place")]
pub struct OpenError;

/// A 256-bit sealing key; wiped from memory when dropped, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SealKey([u8; 32]);

impl SealKey {
    /// Takes the key's bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A new key from the system's random source.
    #[must_use]
    pub fn generate() -> Self {
        Self(XChaCha20Poly1305::generate_key(&mut OsRng).into())
    }

    /// The key's bytes, to be written to a key file.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Seals `plain` for `place` (for example `tree/key`): nonce, ciphertext, tag.
    #[must_use]
    pub fn seal(&self, place: &[u8], plain: &[u8]) -> Vec<u8> {
        let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
        let sealed = XChaCha20Poly1305::new((&self.0).into())
            .encrypt(&nonce, Payload { msg: plain, aad: place })
            .expect("encryption fails only above 256 GiB");
        [nonce.as_slice(), &sealed].concat()
    }

    /// Opens what [`SealKey::seal`] made for the same `place`.
    ///
    /// # Errors
    /// [`OpenError`] if key, place or bytes do not fit together.
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (nonce, body) = sealed.split_at_checked(NONCE_BYTES).ok_or(OpenError)?;
        XChaCha20Poly1305::new((&self.0).into())
            .decrypt(XNonce::from_slice(nonce), Payload { msg: body, aad: place })
            .map_err(|_| OpenError)
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn opens_only_at_its_place_with_its_key() {
        let key = SealKey::generate();
        let sealed = key.seal(b"gallery/1", b"secret");
        assert_eq!(sealed.len(), 6 + SEAL_OVERHEAD_BYTES);
        assert_eq!(key.open(b"gallery/1", &sealed).unwrap(), b"secret");
        assert_eq!(key.open(b"gallery/2", &sealed), Err(OpenError));
        assert_eq!(SealKey::generate().open(b"gallery/1", &sealed), Err(OpenError));
        assert_eq!(format!("{key:?}"), "SealKey(…)");
    }

    proptest! {
        #[test]
        fn any_flipped_bit_or_cut_is_noticed(plain in proptest::collection::vec(any::<u8>(), 0..80), at in any::<usize>(), bit in 0..8u8) {
            let key = SealKey::from_bytes([7; 32]);
            let mut sealed = key.seal(b"p", &plain);
            prop_assert_eq!(key.open(b"p", &sealed[..at % sealed.len()]), Err(OpenError));
            let at = at % sealed.len();
            sealed[at] ^= 1 << bit;
            prop_assert_eq!(key.open(b"p", &sealed), Err(OpenError));
        }
    }
}
