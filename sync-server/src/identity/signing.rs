//! The Ed25519 keys that sign tokens. Keys are replaced by age or by command, without shutting anybody out.
//!
//! ```text
//! made            published at once, checks tokens
//! after 10 min    signs, once everybody who reads the published keys has had time to read it
//! replaced        checks as long as a token it signed may live
//! after 25 h      the private half is deleted; the public half stays, for receipts of erasures
//! ```
//!
//! A key is a file `<when it was made>.pem`; of a retired one only `<when it was made>.pub` is left.

mod files;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use ostiary_common::time::UnixMillis;
use rcgen::KeyPair;
use sha2::{Digest, Sha256};

pub use self::files::{files, in_use_name, is_key_file, is_retired, retired_name, take};
use super::{IdentityError, files as secret_files};

/// How long a new key is published before it signs.
pub const PUBLISHED_BEFORE: Duration = Duration::from_secs(600);
/// How long a replaced key still checks: the longest life of a token (a day), the time until its successor signs, and
/// some for clocks.
pub const CHECKS_AFTER: Duration = Duration::from_secs(25 * 3600);

/// A key that checks, and its public form.
pub struct CheckingKey {
    /// The key's name in token headers.
    pub kid: String,
    /// The public key, base64url, as JWKS has it.
    pub x: String,
    /// For checking.
    pub key: DecodingKey,
    made_at: UnixMillis,
}

/// A key that signs.
pub struct Signer<'a> {
    /// Its name.
    pub kid: &'a str,
    /// For signing.
    pub key: &'a EncodingKey,
}

/// The server's token keys.
pub struct SigningKeys {
    /// Both in order of age, the newest last, never empty.
    checking: Vec<CheckingKey>,
    signing: Vec<EncodingKey>,
    retired: Vec<CheckingKey>,
}

impl SigningKeys {
    /// Reads the keys from `dir`, or makes one there.
    ///
    /// # Errors
    /// [`IdentityError`] if a file cannot be read or written or holds something else.
    pub fn open(dir: &Path, now: UnixMillis) -> Result<Self, IdentityError> {
        secret_files::make_private_dir(dir)?;
        if listed(dir, "pem")?.is_empty() {
            make(dir, now)?;
        }
        let (mut checking, mut signing) = (Vec::new(), Vec::new());
        for path in listed(dir, "pem")? {
            let key = read(&path)?;
            checking.push(checking_key(key.public_key_raw(), made_at(&path)));
            signing.push(EncodingKey::from_ed_der(key.serialized_der()));
        }
        let retired = listed(dir, "pub")?.iter().map(|path| read_retired(path)).collect::<Result<_, _>>()?;
        Ok(Self { checking, signing, retired })
    }

    /// Adds a key in `dir`; it signs after [`PUBLISHED_BEFORE`].
    ///
    /// # Errors
    /// [`IdentityError`] if it cannot be made or written.
    pub fn add(dir: &Path, now: UnixMillis) -> Result<(), IdentityError> {
        secret_files::make_private_dir(dir)?;
        make(dir, now)
    }

    /// Adds a key if the newest is older than `max_age`, and retires those that check nothing any more. Returns
    /// whether anything changed.
    ///
    /// # Errors
    /// [`IdentityError`] if a file cannot be written or removed.
    pub fn tend(dir: &Path, max_age: Duration, now: UnixMillis) -> Result<bool, IdentityError> {
        let paths = listed(dir, "pem")?;
        let Some(newest) = paths.last() else { return Ok(false) };
        let aged = now >= made_at(newest).plus(max_age);
        if aged {
            make(dir, now)?;
        }
        let mut changed = aged;
        for pair in paths.windows(2) {
            if now >= made_at(&pair[1]).plus(CHECKS_AFTER) {
                retire(&pair[0])?;
                changed = true;
            }
        }
        Ok(changed)
    }

    /// The key that signs at `now`: the newest that has been published for long enough, or else the oldest.
    pub fn signer(&self, now: UnixMillis) -> Signer<'_> {
        let known = |key: &CheckingKey| now >= key.made_at.plus(PUBLISHED_BEFORE);
        let at = self.checking.iter().rposition(known).unwrap_or(0);
        Signer { kid: &self.checking[at].kid, key: &self.signing[at] }
    }

    /// The key of this name, if it checks tokens.
    pub fn find(&self, kid: &str) -> Option<&CheckingKey> {
        self.checking.iter().find(|key| key.kid == kid)
    }

    /// The same, retired ones too: what was signed for good stays checkable.
    pub fn find_ever(&self, kid: &str) -> Option<&CheckingKey> {
        self.checking.iter().chain(&self.retired).find(|key| key.kid == kid)
    }

    /// Every key that ever checked, the newest last of those that still do.
    pub fn ever(&self) -> impl Iterator<Item = &CheckingKey> {
        self.checking.iter().chain(&self.retired)
    }

    /// Every key that checks tokens.
    pub fn all(&self) -> &[CheckingKey] {
        &self.checking
    }
}

fn make(dir: &Path, now: UnixMillis) -> Result<(), IdentityError> {
    let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).map_err(IdentityError::make("token key"))?;
    secret_files::write_secret(&dir.join(format!("{:015}.pem", now.0.max(0))), &key.serialize_pem())
}

/// Files of a kind, the oldest first.
fn listed(dir: &Path, extension: &str) -> Result<Vec<PathBuf>, IdentityError> {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir)
        .and_then(|entries| entries.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>())
        .map_err(|source| IdentityError::File { doing: "read", path: dir.to_owned(), source })?;
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    Ok(paths)
}

/// When a key was made, by its file's name; one named otherwise has been there for ever.
fn made_at(path: &Path) -> UnixMillis {
    UnixMillis(path.file_stem().and_then(|stem| stem.to_str()?.parse().ok()).unwrap_or(0))
}

/// Leaves the public half of a key.
fn retire(path: &Path) -> Result<(), IdentityError> {
    let public = URL_SAFE_NO_PAD.encode(read(path)?.public_key_raw());
    secret_files::write_public(&path.with_extension("pub"), &public)?;
    fs::remove_file(path).map_err(|source| IdentityError::File { doing: "remove", path: path.to_owned(), source })
}

fn unusable(path: &Path, reason: impl ToString) -> IdentityError {
    IdentityError::Unusable { what: "the token key", path: path.to_owned(), reason: reason.to_string() }
}

fn read(path: &Path) -> Result<KeyPair, IdentityError> {
    let text = secret_files::read(path)?.ok_or_else(|| unusable(path, "it has gone"))?;
    let key = KeyPair::from_pem(&text).map_err(|e| unusable(path, e))?;
    if key.algorithm() != &rcgen::PKCS_ED25519 {
        return Err(unusable(path, "it is not an Ed25519 key"));
    }
    Ok(key)
}

fn read_retired(path: &Path) -> Result<CheckingKey, IdentityError> {
    let text = secret_files::read(path)?.ok_or_else(|| unusable(path, "it has gone"))?;
    let public = URL_SAFE_NO_PAD.decode(text.trim()).map_err(|e| unusable(path, e))?;
    Ok(checking_key(&public, made_at(path)))
}

fn checking_key(public: &[u8], made_at: UnixMillis) -> CheckingKey {
    let kid = hex::encode(&Sha256::digest(public)[..8]);
    CheckingKey { kid, x: URL_SAFE_NO_PAD.encode(public), key: DecodingKey::from_ed_der(public), made_at }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_790_000_000_000);
    const MONTH: Duration = Duration::from_secs(30 * 86_400);

    #[test]
    fn a_key_is_published_before_it_signs_and_checks_after_it_was_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let open = |now| SigningKeys::open(dir.path(), now).unwrap();
        let at = |age: Duration| NOW.plus(MONTH).plus(age);
        let first = open(NOW).signer(NOW).kid.to_owned();
        assert!(!SigningKeys::tend(dir.path(), MONTH, NOW).unwrap());
        assert!(SigningKeys::tend(dir.path(), MONTH, at(Duration::ZERO)).unwrap());
        let both = open(at(Duration::ZERO));
        assert_eq!(both.all().len(), 2);
        assert_eq!(both.signer(at(Duration::ZERO)).kid, first, "the new one is only published yet");
        let second = both.signer(at(PUBLISHED_BEFORE)).kid.to_owned();
        assert_ne!(second, first);
        assert!(both.find(&first).is_some());
        assert!(!SigningKeys::tend(dir.path(), MONTH, at(CHECKS_AFTER - Duration::from_secs(1))).unwrap());
        assert!(SigningKeys::tend(dir.path(), MONTH, at(CHECKS_AFTER)).unwrap());
        let left = open(at(CHECKS_AFTER));
        assert!(left.find(&first).is_none() && left.find(&second).is_some());
        assert!(left.find_ever(&first).is_some(), "receipts it signed can still be checked");
        let private = fs::read_dir(dir.path())
            .unwrap()
            .filter(|e| e.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "pem"));
        assert_eq!(private.count(), 1);
    }

    #[test]
    fn one_key_alone_signs_whatever_the_clock_says() {
        let dir = tempfile::tempdir().unwrap();
        let keys = SigningKeys::open(dir.path(), NOW).unwrap();
        assert_eq!(keys.signer(UnixMillis(0)).kid, keys.signer(NOW.plus(MONTH)).kid);
        assert_eq!(SigningKeys::open(dir.path(), NOW).unwrap().all().len(), 1);
    }
}
