//! The keys whose signatures under packs are believed: those of the configuration, and the one this server signs with.

use std::fs;
use std::path::Path;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};

use crate::identity::authority::ed25519_key;
use crate::identity::files::{write_public, write_secret};

/// A key could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {why}")]
pub struct KeyProblem {
    path: String,
    why: String,
}

fn problem(path: &Path, why: impl ToString) -> KeyProblem {
    KeyProblem { path: path.display().to_string(), why: why.to_string() }
}

/// Keys that are believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedKeys(Vec<(String, Vec<u8>)>);

impl TrustedKeys {
    /// Reads public keys (SPKI PEM, Ed25519), one to a file.
    ///
    /// # Errors
    /// [`KeyProblem`] names the file.
    pub fn read<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self, KeyProblem> {
        let read = |path: P| {
            let path = path.as_ref();
            let pem = fs::read_to_string(path).map_err(|error| problem(path, error))?;
            let key = ed25519_key(&pem).map_err(|_| problem(path, "not an Ed25519 public key in PEM"))?;
            Ok((pem, key.to_vec()))
        };
        paths.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// One key, as it came with something that is believed already.
    pub fn of_pem(pem: &str) -> Option<Self> {
        let key = ed25519_key(pem).ok()?;
        Some(Self(vec![(pem.to_owned(), key.to_vec())]))
    }

    /// The key (PEM) that made this signature; `None` if it is none of them.
    pub fn signer(&self, message: &[u8], signature: &[u8]) -> Option<&str> {
        let made = |key: &[u8]| UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok();
        self.0.iter().find(|(_, key)| made(key)).map(|(pem, _)| pem.as_str())
    }

    /// Whether nobody is believed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A key's name for people: the beginning of the SHA-256 of its PEM's key.
pub fn fingerprint(pem: &str) -> String {
    ed25519_key(pem).map(|key| hex::encode(&Sha256::digest(key)[..8])).unwrap_or_default()
}

/// Signs packs.
pub struct PackSigner(Ed25519KeyPair);

impl PackSigner {
    /// Reads a private key (PKCS#8 PEM).
    ///
    /// # Errors
    /// [`KeyProblem`].
    pub fn read(path: &Path) -> Result<Self, KeyProblem> {
        let pem = fs::read_to_string(path).map_err(|error| problem(path, error))?;
        let pair = rcgen::KeyPair::from_pem(&pem).map_err(|error| problem(path, error))?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pair.serialize_der());
        pair.map(Self).map_err(|_| problem(path, "not an Ed25519 private key in PEM"))
    }

    /// Makes a new key: `path` is private, `path` with `.pub` behind is what others are given.
    ///
    /// # Errors
    /// [`KeyProblem`]; a file that is there is left alone.
    pub fn generate(path: &Path) -> Result<(), KeyProblem> {
        if path.exists() {
            return Err(problem(path, "is there already; remove it first if it is not used any more"));
        }
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).map_err(|error| problem(path, error))?;
        write_secret(path, &pair.serialize_pem()).map_err(|error| problem(path, error))?;
        let public = path.with_extension("pub");
        write_public(&public, &pair.public_key_pem()).map_err(|error| problem(&public, error))
    }

    /// The signature of a message, 64 bytes.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }

    /// The public key's bytes.
    pub fn public(&self) -> Vec<u8> {
        self.0.public_key().as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_that_are_named_are_believed() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, theirs) = (dir.path().join("ours.pem"), dir.path().join("theirs.pem"));
        for path in [&ours, &theirs] {
            PackSigner::generate(path).unwrap();
        }
        assert!(PackSigner::generate(&ours).is_err(), "a key is not written over");
        let trusted = TrustedKeys::read([ours.with_extension("pub")]).unwrap();
        let signature = PackSigner::read(&ours).unwrap().sign(b"pack");
        let pem = trusted.signer(b"pack", &signature).unwrap();
        assert_eq!(fingerprint(pem).len(), 16);
        assert!(TrustedKeys::of_pem(pem).unwrap().signer(b"pack", &signature).is_some());
        assert_eq!(trusted.signer(b"another", &signature), None);
        assert_eq!(trusted.signer(b"pack", &PackSigner::read(&theirs).unwrap().sign(b"pack")), None);
        assert!(TrustedKeys::read([&ours]).is_err(), "a private key is no public one");
        assert!(PackSigner::read(&ours.with_extension("pub")).is_err());
    }
}
