//! What a device and the server's device API say to each other over HTTPS: the claim, and token renewal.

use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, DoorId, GalleryKeyId, SiteId, StreamId};
use crate::time::UnixMillis;
use crate::wire::Revision;

/// Path of the claim, `POST` [`ClaimRequest`] -> [`ClaimResponse`].
pub const CLAIM_PATH: &str = "/api/v1/device/claim";
/// Path of the nonce for renewal, `POST` [`NonceRequest`] -> [`NonceResponse`].
pub const NONCE_PATH: &str = "/api/v1/device/nonce";
/// Path of token renewal, `POST` [`TokenRequest`] -> [`TokenResponse`].
pub const TOKEN_PATH: &str = "/api/v1/device/token";

/// "I am new, here is the code, here is the key I made."
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClaimRequest {
    /// The one-time claim code, as the admin was shown it; case and dashes do not matter.
    pub code: String,
    /// The device's Ed25519 public key, SubjectPublicKeyInfo in PEM.
    pub public_key_pem: String,
    /// A certificate signing request by the same key, PEM, for brokers that know only mTLS.
    pub csr_pem: String,
    /// The board in words, for the admin: model, architecture, camera.
    pub hardware: String,
    /// The daemon's version.
    pub version: String,
}

/// "You are this device, and here is what you need."
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClaimResponse {
    /// The device's id.
    pub device: DeviceId,
    /// Its site.
    pub site: SiteId,
    /// The door it watches.
    pub door: DoorId,
    /// The device's name, for its own log.
    pub name: String,
    /// `mqtts://host:port`.
    pub broker_url: String,
    /// The CA that signs server and broker certificates, PEM.
    pub ca_pem: String,
    /// The device's client certificate, PEM.
    pub certificate_pem: String,
    /// The first token.
    pub token: TokenResponse,
}

/// Asks for a nonce to sign.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NonceRequest {
    /// Who asks.
    pub device: DeviceId,
}

/// A nonce to be signed at once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NonceResponse {
    /// Goes into the assertion's `nonce`.
    pub nonce: String,
}

/// Asks for a new device token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenRequest {
    /// A [`crate::claims::DeviceAssertion`], signed by the device (JWT, EdDSA).
    pub assertion: String,
    /// A certificate signing request, PEM, when the device's certificate nears its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csr_pem: Option<String>,
    /// Where the device stands; tells the server a restored image of an old card from the device it knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
}

/// Where a device stands by its own memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The last session it used.
    pub session: u64,
    /// Its outbox's stream.
    pub stream: StreamId,
    /// The last number it gave in that stream.
    pub last_seq: u64,
    /// The gallery revision it holds.
    pub gallery_rev: Revision,
}

/// A new device token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenResponse {
    /// The JWT with [`crate::claims::DeviceClaims`].
    pub token: String,
    /// When it ends, server time.
    pub expires_at: UnixMillis,
    /// The server's wall time: a floor for boards that boot in the past.
    pub server_time: UnixMillis,
    /// The highest session number the server has seen; the device's next one must be higher.
    pub session_floor: u64,
    /// The key gallery chunks are sealed with from now on. Absent: chunks come open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gallery_key: Option<GalleryKey>,
    /// The device's memory is behind what the server has of it: it was restored from an old image. It begins a new
    /// stream and asks for the whole gallery before it matches anything.
    #[serde(default, skip_serializing_if = "is_false")]
    pub restored: bool,
    /// Where the device belongs now; absent: where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posting: Option<Posting>,
    /// The new certificate asked for, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_pem: Option<String>,
}

/// Where a device belongs; it moves with the next token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// Its site, part of its topics.
    pub site: SiteId,
    /// The door it watches.
    pub door: DoorId,
    /// Its name.
    pub name: String,
}

/// A key for sealed gallery chunks; travels over HTTPS only, never over MQTT.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GalleryKey {
    /// Named in each sealed chunk.
    pub id: GalleryKeyId,
    /// 32 bytes in base64 (RFC 4648, padded).
    pub key: Secret,
}

/// Text that is never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}
