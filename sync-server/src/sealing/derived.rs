//! Keys for the server's own use, made from one root that lies wrapped in the store: every replica has them, nobody keeps
//! them, and a change of the master key leaves them as they are.

use aws_lc_rs::hmac;
use ostiary_common::seal::{OpenError, SealKey};
use zeroize::Zeroizing;

/// What the server's own keys are made from.
#[derive(Debug)]
pub struct RootKey(SealKey);

impl RootKey {
    pub(super) const fn new(key: SealKey) -> Self {
        Self(key)
    }

    /// Takes the root's bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(SealKey::from_bytes(bytes))
    }

    /// The key for `purpose`; other purposes have other keys.
    pub fn derived(&self, purpose: &str) -> DerivedKey {
        DerivedKey::of(&self.0, purpose)
    }
}

/// A key for one purpose.
#[derive(Debug)]
pub struct DerivedKey {
    seal: SealKey,
    sign: hmac::Key,
}

impl DerivedKey {
    /// The key for `purpose`; other purposes have other keys.
    fn of(root: &SealKey, purpose: &str) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, root.expose());
        let make = |use_: &str| {
            let tag = hmac::sign(&root, format!("ostiary derived key 1/{use_}/{purpose}").as_bytes());
            let mut bytes = Zeroizing::new([0_u8; 32]);
            bytes.copy_from_slice(tag.as_ref());
            bytes
        };
        Self {
            seal: SealKey::from_bytes(*make("seal")),
            sign: hmac::Key::new(hmac::HMAC_SHA256, make("sign").as_ref()),
        }
    }

    /// A signature of 32 bytes that only holders of the root can make or check.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        hmac::sign(&self.sign, message).as_ref().to_vec()
    }

    /// Whether a signature is one of ours; takes the same time whatever is wrong with it.
    pub fn is_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        hmac::verify(&self.sign, message, signature).is_ok()
    }

    /// Seals a value for the row it belongs to.
    pub fn seal(&self, place: &[u8], plain: &[u8]) -> Vec<u8> {
        self.seal.seal(place, plain)
    }

    /// Opens a value.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        self.seal.open(place, sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_purpose_has_a_key_of_its_own() {
        let master = SealKey::from_bytes([1; 32]);
        let (links, cursors) = (DerivedKey::of(&master, "links"), DerivedKey::of(&master, "cursors"));
        let signature = links.sign(b"message");
        assert!(DerivedKey::of(&master, "links").is_signed(b"message", &signature), "made again, the same");
        assert!(!links.is_signed(b"massage", &signature));
        assert!(!links.is_signed(b"message", &signature[..16]));
        assert!(!cursors.is_signed(b"message", &signature));
        let sealed = links.seal(b"row", b"value");
        assert_eq!(links.open(b"row", &sealed).unwrap(), b"value");
        assert!(links.open(b"other row", &sealed).is_err());
        assert!(cursors.open(b"row", &sealed).is_err());
        assert!(DerivedKey::of(&SealKey::from_bytes([2; 32]), "links").open(b"row", &sealed).is_err());
    }
}
