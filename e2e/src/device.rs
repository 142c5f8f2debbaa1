//! A device made by hand: it has a real identity, and says whatever a test wants it to say.

mod messages;
mod session;

use std::io::Read;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::DeflateDecoder;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use ostiary_common::claims::{AUDIENCE_TOKEN_ENDPOINT, DeviceAssertion};
use ostiary_common::codec;
use ostiary_common::envelope::Body;
use ostiary_common::identity::{CLAIM_PATH, ClaimRequest, ClaimResponse, NONCE_PATH, TOKEN_PATH, TokenResponse};
use ostiary_common::ids::{MsgId, TokenId};
use ostiary_common::seal::SealKey;
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::{Channel, DeviceRoot};
use ostiary_common::wire::{GalleryChunk, PersonChange, SealedPersons};
use rcgen::{CertificateParams, KeyPair, PKCS_ED25519, SigningKey};
use serde_json::{json, to_value};

use crate::api::{Answer, Api, text};
use crate::server::Server;
use crate::tls;

pub use messages::{batch, envelope, event_ids, visit_with_crop};
pub use session::{Heard, Session};

/// The most a chunk's persons come to.
const INFLATED_MAX: usize = 16 * GalleryChunk::MAX_BYTES;

/// A claimed device without a program of its own.
#[derive(Debug)]
pub struct RawDevice {
    /// What the server gave it at the claim.
    pub identity: ClaimResponse,
    /// Where its broker is, `host:port`.
    pub broker: String,
    key: KeyPair,
    api: Api,
}

impl RawDevice {
    /// Makes a device on the server and claims it.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn claim(server: &Server, name: &str) -> Result<Self> {
        let invitation = server.add_device("Head office", name, name)?;
        Self::claim_by_code(&server.api, server.endpoints.mqtts.clone(), invitation.code).await
    }

    /// Claims a device that was made on the server; `broker` is `host:port`.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn claim_by_code(api: &Api, broker: String, code: String) -> Result<Self> {
        let api = api.with_token(None);
        let key = KeyPair::generate_for(&PKCS_ED25519).context("making a key")?;
        let request = ClaimRequest {
            code,
            public_key_pem: key.public_key_pem(),
            csr_pem: CertificateParams::default().serialize_request(&key)?.pem()?,
            hardware: "a test".into(),
            version: env!("CARGO_PKG_VERSION").into(),
        };
        let answer = api.post(CLAIM_PATH, &to_value(request)?).await?.ok()?;
        let identity = serde_json::from_value(answer).context("a claim's answer")?;
        Ok(Self { identity, broker, key, api })
    }

    /// Where its topics lie.
    #[must_use]
    pub const fn root(&self) -> DeviceRoot {
        DeviceRoot { site: self.identity.site, device: self.identity.device }
    }

    /// One of its topics.
    #[must_use]
    pub fn topic(&self, channel: &Channel) -> String {
        self.root().topic(channel)
    }

    /// Its token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.identity.token.token
    }

    /// Connects with its token.
    ///
    /// # Errors
    /// If the broker refuses.
    pub async fn connect(&self) -> Result<Session> {
        self.connect_with(self.token()).await
    }

    /// Connects with any token.
    ///
    /// # Errors
    /// If the broker refuses.
    pub async fn connect_with(&self, token: &str) -> Result<Session> {
        let id = self.identity.device.to_string();
        Session::open(&self.broker, &self.identity.ca_pem, &id, &id, token).await
    }

    /// Connects to a broker that knows devices by their certificates.
    ///
    /// # Errors
    /// If the broker refuses.
    pub async fn connect_by_certificate(&self) -> Result<Session> {
        let id = self.identity.device.to_string();
        let tls = tls::client_with(&self.identity.ca_pem, &self.identity.certificate_pem, &self.key.serialize_pem())?;
        Session::open_with(&self.broker, tls, &id, &id, self.token()).await
    }

    /// Asks for a new token with an assertion it signs, and gives whatever the server answers.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn ask_token(&self) -> Result<Answer> {
        let nonce = self.api.post(NONCE_PATH, &json!({"device": self.identity.device})).await?;
        if nonce.status != 200 {
            return Ok(nonce);
        }
        let assertion = self.sign(&self.assertion(text(&nonce.body, "nonce")?)?)?;
        self.api.post(TOKEN_PATH, &json!({"assertion": assertion})).await
    }

    /// Renews its token.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn renew(&mut self) -> Result<()> {
        let answer = self.ask_token().await?.ok()?;
        self.identity.token = serde_json::from_value::<TokenResponse>(answer)?;
        Ok(())
    }

    /// Signs anything with its own key, as it signs assertions; also how tokens are forged.
    ///
    /// # Errors
    /// If the key cannot sign.
    pub fn sign<C: serde::Serialize>(&self, claims: &C) -> Result<String> {
        let key = EncodingKey::from_ed_pem(self.key.serialize_pem().as_bytes())?;
        Ok(encode(&Header::new(Algorithm::EdDSA), claims, &key)?)
    }

    /// Signs bytes with its own key.
    ///
    /// # Errors
    /// If the key cannot sign.
    pub fn sign_bytes(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        Ok(self.key.sign(bytes)?)
    }

    /// Opens the persons of a sealed chunk with the gallery key its last token came with.
    ///
    /// # Errors
    /// If there is no such key, or it is not the one.
    pub fn open(&self, request: MsgId, sealed: &SealedPersons) -> Result<Vec<PersonChange>> {
        let key = self.identity.token.gallery_key.as_ref().context("a sealed chunk, and no gallery key")?;
        ensure!(key.id == sealed.key, "the chunk is sealed with another key");
        let bytes = STANDARD.decode(&key.key.0)?;
        let key = SealKey::from_bytes(bytes.try_into().map_err(|_| anyhow!("a gallery key has 32 bytes"))?);
        let plain = key.open(request.0.as_bytes(), &sealed.bytes)?;
        let plain = if sealed.deflated { inflated(&plain)? } else { plain };
        Ok(codec::from_slice("persons", INFLATED_MAX, &plain)?)
    }

    fn assertion(&self, nonce: String) -> Result<DeviceAssertion> {
        Ok(DeviceAssertion {
            iss: self.identity.device,
            sub: self.identity.device,
            aud: AUDIENCE_TOKEN_ENDPOINT.to_owned(),
            jti: TokenId::generate(),
            iat: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
            nonce,
        })
    }
}

/// What was compressed before it was sealed.
fn inflated(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    DeflateDecoder::new(bytes).take(INFLATED_MAX as u64).read_to_end(&mut plain).context("inflating a chunk")?;
    Ok(plain)
}

/// Now, as it travels.
#[must_use]
pub fn now() -> UnixMillis {
    UnixMillis::from_system_time(SystemTime::now())
}
