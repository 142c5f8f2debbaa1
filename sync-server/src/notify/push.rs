//! Messages to browsers (RFC 8030): sealed so that only the browser opens them (RFC 8291), and signed so that its maker knows
//! whose they are (RFC 8292). Who carries them is the [`Poster`](crate::ports::poster::Poster), as for webhooks.
//!
//! Without a key nobody is pushed to. Start reading at [`PushKey::message`].

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use ostiary_common::time::UnixMillis;
use serde::Serialize;
use web_push_native::p256::elliptic_curve::sec1::ToEncodedPoint;
use web_push_native::p256::pkcs8::EncodePrivateKey;
use web_push_native::p256::{PublicKey, SecretKey};
use web_push_native::{Auth, encrypt};
use zeroize::Zeroizing;

use crate::ports::poster::Post;
use crate::ports::push::{AUTH_BYTES, KEY_BYTES, PushSubscription};

/// The most bytes of a message: makers of browsers take 4096 sealed.
pub const MOST_BYTES: usize = 3_000;
/// How long the maker keeps a message for a browser that is off.
const KEPT: Duration = Duration::from_secs(12 * 3_600);
/// How long a signature is good; the standard allows a day.
const SIGNED_FOR: Duration = Duration::from_secs(12 * 3_600);

/// The key that signs messages to browsers, and whom their makers may write to about them.
pub struct PushKey {
    signs: EncodingKey,
    public: String,
    contact: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    exp: i64,
    sub: &'a str,
}

/// Why a browser's keys are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeys {
    /// Its public key.
    #[error("keys.p256dh must be a point of P-256, uncompressed, as base64url")]
    Key,
    /// Its secret.
    #[error("keys.auth must be 16 bytes, as base64url")]
    Auth,
}

/// A browser's keys as it gives them.
///
/// # Errors
/// [`InvalidKeys`].
pub fn keys(p256dh: &str, auth: &str) -> Result<(Vec<u8>, Vec<u8>), InvalidKeys> {
    let plain = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
    let key = plain(p256dh).filter(|key| key.len() == KEY_BYTES && PublicKey::from_sec1_bytes(key).is_ok());
    let auth = plain(auth).filter(|auth| auth.len() == AUTH_BYTES);
    Ok((key.ok_or(InvalidKeys::Key)?, auth.ok_or(InvalidKeys::Auth)?))
}

/// A new key as the text its file holds: the private scalar in base64url, which other programs read as well.
#[must_use]
pub fn new_key() -> Zeroizing<String> {
    let secret = SecretKey::random(&mut web_push_native::p256::elliptic_curve::rand_core::OsRng);
    Zeroizing::new(URL_SAFE_NO_PAD.encode(secret.to_bytes()))
}

impl PushKey {
    /// Reads a key file.
    ///
    /// # Errors
    /// If it cannot be read or holds no key.
    pub fn read(file: &Path, contact: &str) -> Result<Self> {
        let text = std::fs::read_to_string(file).map(Zeroizing::new);
        Self::parse(&text.with_context(|| format!("reading {}", file.display()))?, contact)
            .with_context(|| format!("{} holds no key that signs messages to browsers", file.display()))
    }

    /// A key from its text; `contact` is a `mailto:` or `https:` address.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(text: &str, contact: &str) -> Result<Self> {
        let bytes =
            URL_SAFE_NO_PAD.decode(text.trim()).map(Zeroizing::new).map_err(|_| anyhow!("it is not base64url"))?;
        ensure!(bytes.len() == 32, "it is {} bytes long, not 32", bytes.len());
        let secret = SecretKey::from_slice(&bytes).map_err(|_| anyhow!("it is no scalar of P-256"))?;
        let der = secret.to_pkcs8_der().map_err(|error| anyhow!("{error}"))?;
        let point = secret.public_key().to_encoded_point(false);
        Ok(Self {
            signs: EncodingKey::from_ec_der(der.as_bytes()),
            public: URL_SAFE_NO_PAD.encode(point.as_bytes()),
            contact: contact.to_owned(),
        })
    }

    /// The public key, as browsers want it when they subscribe.
    #[must_use]
    pub fn public(&self) -> &str {
        &self.public
    }

    /// A message for a browser, ready to be handed over. `topic` has a later message take the place of an earlier one that
    /// still waits; at most 32 characters of base64url.
    ///
    /// # Errors
    /// If the browser's keys are none, or the message is longer than [`MOST_BYTES`].
    pub fn message(&self, to: &PushSubscription, said: &[u8], topic: &str, now: UnixMillis) -> Result<Post> {
        ensure!(said.len() <= MOST_BYTES, "a message of {} bytes is too long", said.len());
        let key = PublicKey::from_sec1_bytes(&to.key).map_err(|_| anyhow!("the browser's key is none"))?;
        ensure!(to.auth.len() == AUTH_BYTES, "the browser's secret is none");
        let sealed = encrypt(said.to_vec(), &key, Auth::from_slice(&to.auth)).map_err(|error| anyhow!("{error}"))?;
        let headers = vec![
            ("content-type", "application/octet-stream".to_owned()),
            ("content-encoding", "aes128gcm".to_owned()),
            ("ttl", KEPT.as_secs().to_string()),
            ("topic", topic.to_owned()),
            ("authorization", self.authorization(&to.endpoint, now)?),
        ];
        Ok(Post { url: to.endpoint.clone(), headers, body: sealed.into() })
    }

    fn authorization(&self, endpoint: &str, now: UnixMillis) -> Result<String> {
        let audience = reqwest::Url::parse(endpoint).context("the browser's address")?.origin().ascii_serialization();
        let claims = Claims { aud: &audience, exp: now.plus(SIGNED_FOR).0 / 1_000, sub: &self.contact };
        let token =
            encode(&Header::new(Algorithm::ES256), &claims, &self.signs).context("signing for the browser's maker")?;
        Ok(format!("vapid t={token}, k={}", self.public))
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation, decode};
    use ostiary_common::ids::UserId;
    use serde_json::Value;
    use web_push_native::decrypt;

    use super::*;
    use crate::domain::notify::PushId;

    const NOW: UnixMillis = UnixMillis(1_795_424_400_000);

    fn browser() -> (SecretKey, PushSubscription) {
        let secret = SecretKey::random(&mut web_push_native::p256::elliptic_curve::rand_core::OsRng);
        let key = secret.public_key().to_encoded_point(false).as_bytes().to_vec();
        let subscription = PushSubscription {
            id: PushId::generate(),
            account: UserId::generate(),
            endpoint: "https://push.example:8443/send/abc".into(),
            key,
            auth: vec![7; AUTH_BYTES],
            user_agent: String::new(),
            created_at: NOW,
            used_at: None,
        };
        (secret, subscription)
    }

    #[test]
    fn the_browser_alone_opens_a_message_and_its_maker_knows_whose_it_is() {
        let (secret, to) = browser();
        let key = PushKey::parse(&new_key(), "mailto:admin@example.org").unwrap();
        let post = key.message(&to, b"{\"title\":\"Unknown visitor\"}", "t", NOW).unwrap();
        assert!(!post.body.windows(7).any(|piece| piece == b"visitor"), "sealed");
        let auth = Auth::from_slice(&to.auth);
        assert_eq!(decrypt(post.body.to_vec(), &secret, auth).unwrap(), b"{\"title\":\"Unknown visitor\"}");
        let other = SecretKey::random(&mut web_push_native::p256::elliptic_curve::rand_core::OsRng);
        assert!(decrypt(post.body.to_vec(), &other, auth).is_err());

        let header = |name: &str| post.headers.iter().find(|(known, _)| *known == name).unwrap().1.clone();
        let authorization = header("authorization");
        let (token, public) = authorization.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(public, key.public());
        let point = URL_SAFE_NO_PAD.decode(public).unwrap();
        let half = |at: usize| URL_SAFE_NO_PAD.encode(&point[at..at + 32]);
        let verifies = DecodingKey::from_ec_components(&half(1), &half(33)).unwrap();
        let mut wanted = Validation::new(Algorithm::ES256);
        wanted.set_audience(&["https://push.example:8443"]);
        wanted.validate_exp = false;
        let claims: Value = decode(token, &verifies, &wanted).unwrap().claims;
        assert_eq!(
            (claims["sub"].as_str(), claims["exp"].as_i64()),
            (Some("mailto:admin@example.org"), Some(NOW.0 / 1_000 + 43_200))
        );
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let (_, to) = browser();
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        assert_eq!(keys(&text(&to.key), &text(&to.auth)), Ok((to.key.clone(), to.auth.clone())));
        assert_eq!(keys(&text(&[4; KEY_BYTES]), &text(&to.auth)), Err(InvalidKeys::Key));
        assert_eq!(keys("", &text(&to.auth)), Err(InvalidKeys::Key));
        assert_eq!(keys(&text(&to.key), &text(&[0; 15])), Err(InvalidKeys::Auth));
        assert_eq!(keys(&text(&to.key), "!"), Err(InvalidKeys::Auth));
        for wrong in ["", "AAAA", "not base64url!", &text(&[0; 32])] {
            assert!(PushKey::parse(wrong, "").is_err(), "{wrong}");
        }
        let key = PushKey::parse(&new_key(), "mailto:a@example.org").unwrap();
        assert!(key.message(&to, &[0; MOST_BYTES + 1], "t", NOW).is_err());
    }
}
