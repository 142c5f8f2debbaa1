//! The Ed25519 keys that sign tokens. The newest signs, all check, so that a key can be replaced without
//! shutting anybody out.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use ostiary_common::time::UnixMillis;
use rcgen::KeyPair;
use sha2::{Digest, Sha256};

use super::{IdentityError, files};

/// A key that checks tokens, and its public form.
pub struct CheckingKey {
    /// The key's name in token headers.
    pub kid: String,
    /// The public key, base64url, as JWKS has it.
    pub x: String,
    /// For checking.
    pub key: DecodingKey,
}

/// The server's token keys.
pub struct SigningKeys {
    checking: Vec<CheckingKey>,
    newest: EncodingKey,
}

impl SigningKeys {
    /// Reads the keys from `dir`, or makes one there. File names begin with the time a key was made, so the
    /// last in order is the newest.
    ///
    /// # Errors
    /// [`IdentityError`] if a file cannot be read or written or holds something else.
    pub fn open(dir: &Path, now: UnixMillis) -> Result<Self, IdentityError> {
        files::make_private_dir(dir)?;
        let mut paths: Vec<_> = fs::read_dir(dir)
            .and_then(|entries| entries.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>())
            .map_err(|source| IdentityError::File { doing: "read", path: dir.to_owned(), source })?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "pem"));
        paths.sort();
        if paths.is_empty() {
            paths.push(dir.join(format!("{:015}.pem", now.0.max(0))));
            let key = generate()?;
            files::write_secret(&paths[0], &key.serialize_pem())?;
        }
        let keys = paths.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
        let newest = EncodingKey::from_ed_der(keys.last().expect("one was made if none was there").serialized_der());
        Ok(Self { checking: keys.iter().map(checking).collect(), newest })
    }

    /// The key that signs.
    pub const fn newest(&self) -> &EncodingKey {
        &self.newest
    }

    /// The signing key's name.
    pub fn newest_kid(&self) -> &str {
        &self.checking.last().expect("never empty").kid
    }

    /// The key of this name.
    pub fn find(&self, kid: &str) -> Option<&CheckingKey> {
        self.checking.iter().find(|key| key.kid == kid)
    }

    /// Every key.
    pub fn all(&self) -> &[CheckingKey] {
        &self.checking
    }
}

fn generate() -> Result<KeyPair, IdentityError> {
    KeyPair::generate_for(&rcgen::PKCS_ED25519).map_err(IdentityError::make("token key"))
}

fn read(path: &Path) -> Result<KeyPair, IdentityError> {
    let unusable = |reason: String| IdentityError::Unusable { what: "the token key", path: path.to_owned(), reason };
    let text = files::read(path)?.ok_or_else(|| unusable("it has gone".into()))?;
    let key = KeyPair::from_pem(&text).map_err(|e| unusable(e.to_string()))?;
    if key.algorithm() != &rcgen::PKCS_ED25519 {
        return Err(unusable("it is not an Ed25519 key".into()));
    }
    Ok(key)
}

fn checking(key: &KeyPair) -> CheckingKey {
    let public = key.public_key_raw();
    let kid = hex::encode(&Sha256::digest(public)[..8]);
    CheckingKey { kid, x: URL_SAFE_NO_PAD.encode(public), key: DecodingKey::from_ed_der(public) }
}
