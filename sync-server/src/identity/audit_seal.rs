//! The server's signature on a place in the audit log's chain: a JSON Web Signature (RFC 7515, compact, EdDSA), checked
//! with the server's public keys and nothing else.

use jsonwebtoken::{Algorithm, DecodingKey, Header, decode, decode_header, encode};
use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Serialize};

use super::signing::SigningKeys;
use super::tokens::{ISSUER, TokenRefused, fixed_algorithm, invalid};
use crate::domain::audit::chain::{ChainPoint, LineHash};

/// `aud` of every seal, so that none can pass for a token.
const AUDIENCE: &str = "ostiary-audit";
/// `typ` in the header.
const TYPE: &str = "audit-seal+jwt";

/// What a seal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SealKind {
    /// The log was like this.
    Head,
    /// Lines up to here were cut off because they were old enough.
    Cut,
}

/// A signed place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditSeal {
    /// [`ISSUER`].
    iss: String,
    /// `AUDIENCE`.
    aud: String,
    /// When it was signed, Unix seconds.
    pub iat: u64,
    /// What for.
    pub kind: SealKind,
    /// The line.
    pub seq: u64,
    /// Its hash, hexadecimal.
    pub hash: String,
}

impl AuditSeal {
    /// Of this place, now.
    pub fn new(kind: SealKind, point: ChainPoint, now: UnixMillis) -> Self {
        let iat = now.as_unix_seconds();
        Self { iss: ISSUER.into(), aud: AUDIENCE.into(), iat, kind, seq: point.seq, hash: point.hash.to_hex() }
    }

    /// Signed with the key that signs tokens at its time.
    pub fn sign(&self, keys: &SigningKeys) -> String {
        let signer = keys.signer(UnixMillis::from_unix_seconds(self.iat));
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.into());
        header.kid = Some(signer.kid.to_owned());
        encode(&header, self, signer.key).expect("an Ed25519 key that was read signs plain JSON")
    }

    /// Checks a seal; `find` knows the server's public keys by name.
    ///
    /// # Errors
    /// [`TokenRefused`] if it is no seal of this kind, was altered, or is signed by another server.
    pub fn check(
        text: &str,
        kind: SealKind,
        find: impl Fn(&str) -> Option<DecodingKey>,
    ) -> Result<ChainPoint, TokenRefused> {
        let kid = decode_header(text).map_err(invalid)?.kid.ok_or(TokenRefused::UnknownKey)?;
        let key = find(&kid).ok_or(TokenRefused::UnknownKey)?;
        let mut validation = fixed_algorithm();
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["aud", "iss"]);
        let seal = decode::<Self>(text, &key, &validation).map_err(invalid)?.claims;
        let hash = LineHash::parse(&seal.hash).filter(|_| seal.kind == kind);
        let hash = hash.ok_or_else(|| TokenRefused::Invalid("it says something else".into()))?;
        Ok(ChainPoint { seq: seal.seq, hash })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_good_for_what_it_says() {
        let dir = tempfile::tempdir().unwrap();
        let keys = SigningKeys::open(dir.path(), UnixMillis(0)).unwrap();
        let find = |kid: &str| keys.find(kid).map(|key| key.key.clone());
        let point = ChainPoint { seq: 7, hash: LineHash([3; 32]) };
        let seal = AuditSeal::new(SealKind::Head, point, UnixMillis(1_790_000_000_000)).sign(&keys);
        assert_eq!(AuditSeal::check(&seal, SealKind::Head, find).unwrap(), point);
        assert!(AuditSeal::check(&seal, SealKind::Cut, find).is_err(), "of another kind");
        let elsewhere = tempfile::tempdir().unwrap();
        let others = SigningKeys::open(elsewhere.path(), UnixMillis(0)).unwrap();
        let forged = AuditSeal::new(SealKind::Head, point, UnixMillis(0)).sign(&others);
        assert_eq!(AuditSeal::check(&forged, SealKind::Head, find), Err(TokenRefused::UnknownKey));
        let altered = seal.replacen('.', ".e30", 1);
        assert!(AuditSeal::check(&altered, SealKind::Head, find).is_err());
    }
}
