//! What a device and the server's device API say to each other over HTTPS: the claim, and token renewal.

use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, DoorId, SiteId};
use crate::time::UnixMillis;

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
}
