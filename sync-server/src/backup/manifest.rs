//! What is signed of a backup: what is in it, and the digest of the file. Whoever has the server's public key can check
//! it, without being able to open the backup.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, encode};
use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::BackupError;
use crate::identity::signing::SigningKeys;

/// `aud` of every manifest, so that none can pass for a token.
const AUDIENCE: &str = "ostiary-backup";
/// `iss` of every manifest.
const ISSUER: &str = "ostiary-server";
/// `typ` in the header.
const TYPE: &str = "backup-manifest+jwt";

/// What is in a backup.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Manifest {
    iss: String,
    aud: String,
    /// When it was made, Unix seconds.
    pub iat: u64,
    /// By which version of the program.
    pub version: String,
    /// The last migration of its tables.
    pub schema: i64,
    /// Model packs that templates in it were made with.
    pub packs: Vec<String>,
    /// Its tables.
    pub tables: Vec<TableSummary>,
    /// Files in it, by name.
    pub files: Vec<String>,
    /// The public key it is signed with, base64url.
    pub key: String,
    /// SHA-256 of the file up to the manifest, hexadecimal.
    pub sha256: String,
}

/// A table of a backup.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct TableSummary {
    /// Its name.
    pub name: String,
    /// How many rows.
    pub rows: u64,
    /// Over every value of every row, hexadecimal: the same in either database.
    pub sha256: String,
}

/// What a manifest is made of.
pub(super) struct Facts {
    pub(super) schema: i64,
    pub(super) packs: Vec<String>,
    pub(super) tables: Vec<TableSummary>,
    pub(super) files: Vec<String>,
    pub(super) sha256: [u8; 32],
}

impl Manifest {
    /// Signed, with the key that signs tokens at `now`.
    pub(super) fn sign(facts: Facts, keys: &SigningKeys, now: UnixMillis) -> Result<(Self, String), BackupError> {
        let signer = keys.signer(now);
        let unknown = || BackupError::Key("the key that signs is not among those that check".to_owned());
        let public = keys.find(signer.kid).ok_or_else(unknown)?;
        let manifest = Self {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            iat: now.as_unix_seconds(),
            version: env!("CARGO_PKG_VERSION").into(),
            schema: facts.schema,
            packs: facts.packs,
            tables: facts.tables,
            files: facts.files,
            key: public.x.clone(),
            sha256: hex::encode(facts.sha256),
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.into());
        header.kid = Some(signer.kid.to_owned());
        let signed = encode(&header, &manifest, signer.key).map_err(|error| BackupError::Key(error.to_string()))?;
        Ok((manifest, signed))
    }

    /// Checks the signature by the key the manifest names, and that it is of a file with this digest. Who holds that
    /// key is another question: [`Self::signer`].
    pub(super) fn check(signed: &str, sha256: [u8; 32]) -> Result<Self, BackupError> {
        let damaged = |why: &str| BackupError::Damaged(why.to_owned());
        let unsigned: Self = claims(signed).ok_or_else(|| damaged("its manifest cannot be read"))?;
        let key = URL_SAFE_NO_PAD.decode(&unsigned.key).map_err(|_| damaged("its key cannot be read"))?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["aud", "iss"]);
        validation.validate_exp = false;
        let checked = decode::<Self>(signed, &DecodingKey::from_ed_der(&key), &validation);
        let manifest = checked.map_err(|_| damaged("its signature does not fit"))?.claims;
        if manifest.sha256 != hex::encode(sha256) {
            return Err(damaged("its bytes are not those that were signed"));
        }
        Ok(manifest)
    }

    /// The fingerprint of the key it is signed with.
    pub fn signer(&self) -> String {
        fingerprint(&self.key)
    }
}

/// The fingerprint of a public key, as it stands in a manifest.
pub fn fingerprint(key: &str) -> String {
    hex::encode(&Sha256::digest(key.as_bytes())[..16])
}

/// What a signature is of, not checked yet.
fn claims(signed: &str) -> Option<Manifest> {
    let body = signed.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()
}
