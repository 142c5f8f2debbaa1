//! The installation's directory key: finds what lies sealed by keyed hashes, and seals what belongs to no account yet.

use aws_lc_rs::hmac;
use ostiary_common::seal::{OpenError, SealKey};

/// What a keyed hash is of; the same text as a login and as an address gives two hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// A login name.
    Login,
    /// An e-mail address.
    Email,
    /// A recovery code.
    RecoveryCode,
    /// Failed log-ins of an account, from everywhere.
    FailuresOfAccount,
    /// Failed log-ins from an address, to every account.
    FailuresFromAddress,
    /// Failed log-ins of an account from an address.
    FailuresOfPair,
    /// Failed second factors of an account.
    FailuresOfSecondFactor,
    /// An account and an address it has logged in from.
    KnownPlace,
    /// What another system calls a person.
    External,
    /// Where a browser takes messages.
    Push,
}

impl Lookup {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Login => b"login",
            Self::Email => b"email",
            Self::RecoveryCode => b"recovery code",
            Self::FailuresOfAccount => b"failures/account",
            Self::FailuresFromAddress => b"failures/address",
            Self::FailuresOfPair => b"failures/pair",
            Self::FailuresOfSecondFactor => b"failures/second factor",
            Self::KnownPlace => b"known place",
            Self::External => b"external id",
            Self::Push => b"push",
        }
    }
}

/// Hashes for look-ups, and seals what belongs to no account yet.
#[derive(Debug)]
pub struct DirectoryKey {
    seal: SealKey,
    hash: hmac::Key,
}

impl DirectoryKey {
    pub(super) fn new(seal: SealKey) -> Self {
        // A key of its own for hashes, since one key should not serve two algorithms.
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, seal.expose()), b"ostiary look-ups");
        Self { seal, hash: hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()) }
    }

    /// The keyed hash a value is found by: HMAC-SHA-256, 32 bytes. `parts` are told apart by their lengths.
    pub fn lookup(&self, what: Lookup, parts: &[&[u8]]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.hash);
        for part in std::iter::once(&what.label()).chain(parts) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        context.sign().as_ref().to_vec()
    }

    /// Seals a value for `place`.
    pub fn seal(&self, place: &[u8], plain: &[u8]) -> Vec<u8> {
        self.seal.seal(&[b"directory/", place].concat(), plain)
    }

    /// Opens what was sealed for `place`.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        self.seal.open(&[b"directory/", place].concat(), sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_tell_what_they_are_of_and_by_whom() {
        let key = DirectoryKey::new(SealKey::from_bytes([1; 32]));
        let login = key.lookup(Lookup::Login, &[b"ada"]);
        assert_eq!(login, DirectoryKey::new(SealKey::from_bytes([1; 32])).lookup(Lookup::Login, &[b"ada"]));
        assert_ne!(login, key.lookup(Lookup::Email, &[b"ada"]));
        assert_ne!(login, DirectoryKey::new(SealKey::from_bytes([2; 32])).lookup(Lookup::Login, &[b"ada"]));
        let pair = |a: &[u8], b: &[u8]| key.lookup(Lookup::FailuresOfPair, &[a, b]);
        assert_ne!(pair(b"ab", b"c"), pair(b"a", b"bc"));
    }

    #[test]
    fn what_is_sealed_for_one_place_opens_at_no_other() {
        let key = DirectoryKey::new(SealKey::generate());
        let sealed = key.seal(b"invitation/1", b"ada@example.org");
        assert_eq!(key.open(b"invitation/1", &sealed).unwrap(), b"ada@example.org");
        assert!(key.open(b"invitation/2", &sealed).is_err());
    }
}
