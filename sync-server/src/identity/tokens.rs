//! Tokens: what the server signs for devices and people, and how it checks them.
//!
//! The algorithm is fixed: a token's header chooses the key, never the algorithm. Times are checked here and
//! by our clock, so that tests need no waiting.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use moka::sync::Cache;
use ostiary_common::claims::{AUDIENCE_API, AUDIENCE_DEVICE, DeviceClaims, device_acl};
use ostiary_common::ids::{TokenId, UserId};
use ostiary_common::time::UnixMillis;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::signing::SigningKeys;
use crate::domain::account::{InstallationId, SessionId};
use crate::domain::device::Device;

/// `iss` of devices' tokens; they are bound to this installation by its keys and by the device.
pub const ISSUER: &str = "ostiary-server";

/// An access token of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserClaims {
    /// `ostiary-server:<installation>`, so that a token of another installation is refused even where keys were copied.
    pub iss: String,
    /// The account.
    pub sub: UserId,
    /// [`AUDIENCE_API`].
    pub aud: String,
    /// The session, which may end before the token does.
    pub sid: SessionId,
    /// Unique token id.
    pub jti: TokenId,
    /// Issued at, Unix seconds.
    pub iat: u64,
    /// Not valid before, Unix seconds.
    pub nbf: u64,
    /// Not valid from here on, Unix seconds.
    pub exp: u64,
}

/// How far the server's clock may be set back before tokens given just before are refused, seconds. Beyond that,
/// devices ask for new ones.
const SET_BACK_S: i64 = 300;

/// A token whose signature was right is not reckoned through again for so long: that would be a tenth of what a request
/// costs. Its times, its session and the keys there are count each time.
const KNOWN_FOR: Duration = Duration::from_secs(30);
const KNOWN_AT_MOST: u64 = 10_000;

/// Why a token is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefused {
    /// Not a token, not ours, altered, for something else, or by another algorithm.
    #[error("not a valid token: {0}")]
    Invalid(String),
    /// Signed by a key that is not ours (any more).
    #[error("signed by an unknown key")]
    UnknownKey,
    /// Its time is over.
    #[error("expired")]
    Expired,
    /// Its time has not come.
    #[error("not valid yet")]
    NotYet,
}

/// A signed token and when it ends.
pub struct Issued {
    /// The JWT.
    pub token: String,
    /// Not valid from here on.
    pub expires_at: UnixMillis,
}

/// How long tokens live.
#[derive(Clone, Copy, Debug)]
pub struct TokenLives {
    /// Device tokens.
    pub device: Duration,
    /// Access tokens of people.
    pub access: Duration,
}

/// Signs and checks tokens.
pub struct Tokens {
    keys: ArcSwap<SigningKeys>,
    lives: TokenLives,
    issuer: String,
    known: Cache<[u8; 32], Known>,
}

/// What a token said whose signature was right by these keys.
#[derive(Clone)]
struct Known {
    keys: Arc<SigningKeys>,
    claims: UserClaims,
}

impl Tokens {
    /// With these keys and lives.
    pub fn new(keys: SigningKeys, lives: TokenLives, installation: InstallationId) -> Self {
        let known = Cache::builder().max_capacity(KNOWN_AT_MOST).time_to_live(KNOWN_FOR).build();
        Self { keys: ArcSwap::from_pointee(keys), lives, issuer: format!("{ISSUER}:{installation}"), known }
    }

    /// The keys there are now.
    pub fn keys(&self) -> Arc<SigningKeys> {
        self.keys.load_full()
    }

    /// Uses these keys from now on.
    pub fn replace_keys(&self, keys: SigningKeys) {
        self.keys.store(Arc::new(keys));
    }

    /// How long an access token lives.
    pub const fn access_life(&self) -> Duration {
        self.lives.access
    }

    /// A token that lets a device onto the broker, below its own root.
    pub fn issue_device(&self, device: &Device, now: UnixMillis) -> Issued {
        let expires_at = now.plus(self.lives.device);
        let claims = DeviceClaims {
            iss: ISSUER.into(),
            sub: device.id,
            aud: AUDIENCE_DEVICE.into(),
            site: device.site,
            jti: TokenId::generate(),
            // A clock set back since the claim must not make this look like a token from before it.
            iat: device.claimed_at.map_or(now, |claimed| claimed.max(now)).as_unix_seconds(),
            nbf: now.as_unix_seconds(),
            exp: expires_at.as_unix_seconds(),
            acl: device_acl(&device.root()),
        };
        Issued { token: self.sign(&claims, now), expires_at: UnixMillis::from_unix_seconds(claims.exp) }
    }

    /// A token that lets a person use the API while the session lasts, which ends at `session_ends`.
    pub fn issue_user(&self, user: UserId, session: SessionId, session_ends: UnixMillis, now: UnixMillis) -> Issued {
        let expires_at = now.plus(self.lives.access).min(session_ends);
        let claims = UserClaims {
            iss: self.issuer.clone(),
            sub: user,
            aud: AUDIENCE_API.into(),
            sid: session,
            jti: TokenId::generate(),
            iat: now.as_unix_seconds(),
            nbf: now.as_unix_seconds(),
            exp: expires_at.as_unix_seconds(),
        };
        Issued { token: self.sign(&claims, now), expires_at: UnixMillis::from_unix_seconds(claims.exp) }
    }

    /// Checks a device token: signature, issuer, audience, times.
    ///
    /// # Errors
    /// [`TokenRefused`].
    pub fn check_device(&self, token: &str, now: UnixMillis) -> Result<DeviceClaims, TokenRefused> {
        let claims: DeviceClaims = check(&self.keys.load(), token, AUDIENCE_DEVICE, ISSUER)?;
        within(claims.nbf, claims.exp, now)?;
        Ok(claims)
    }

    /// Checks a person's access token: signature, issuer, audience, times.
    ///
    /// # Errors
    /// [`TokenRefused`].
    pub fn check_user(&self, token: &str, now: UnixMillis) -> Result<UserClaims, TokenRefused> {
        let keys = self.keys();
        let hash: [u8; 32] = Sha256::digest(token).into();
        let known = self.known.get(&hash).filter(|known| Arc::ptr_eq(&known.keys, &keys));
        let claims = match known {
            Some(known) => known.claims,
            None => {
                let claims: UserClaims = check(&keys, token, AUDIENCE_API, &self.issuer)?;
                self.known.insert(hash, Known { keys, claims: claims.clone() });
                claims
            }
        };
        within(claims.nbf, claims.exp, now)?;
        Ok(claims)
    }

    fn sign<C: Serialize>(&self, claims: &C, now: UnixMillis) -> String {
        let keys = self.keys.load();
        let signer = keys.signer(now);
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(signer.kid.to_owned());
        encode(&header, claims, signer.key).expect("an Ed25519 key that was read signs plain JSON")
    }
}

fn check<C: DeserializeOwned + Clone>(
    keys: &SigningKeys,
    token: &str,
    audience: &str,
    issuer: &str,
) -> Result<C, TokenRefused> {
    let header = decode_header(token).map_err(invalid)?;
    let kid = header.kid.ok_or(TokenRefused::UnknownKey)?;
    let key = keys.find(&kid).ok_or(TokenRefused::UnknownKey)?;
    let mut validation = fixed_algorithm();
    validation.set_audience(&[audience]);
    validation.set_issuer(&[issuer]);
    validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
    Ok(decode::<C>(token, &key.key, &validation).map_err(invalid)?.claims)
}

/// EdDSA and nothing else; times are checked by [`within`].
pub(super) fn fixed_algorithm() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.algorithms = vec![Algorithm::EdDSA];
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

pub(super) fn invalid(error: jsonwebtoken::errors::Error) -> TokenRefused {
    TokenRefused::Invalid(error.to_string())
}

/// None at the end: the clock that issued is the clock that checks. Some at the beginning: a clock that is set back a
/// little must not throw every device out.
const fn within(nbf: u64, exp: u64, now: UnixMillis) -> Result<(), TokenRefused> {
    let now = now.0.div_euclid(1000);
    if now.saturating_add(SET_BACK_S) < nbf.cast_signed() {
        Err(TokenRefused::NotYet)
    } else if now >= exp.cast_signed() {
        Err(TokenRefused::Expired)
    } else {
        Ok(())
    }
}
