//! The claim: a key is made here and never leaves; the one-time code buys an identity for it.

use ostiary_common::identity::{ClaimRequest, ClaimResponse};
use rcgen::{KeyPair, PKCS_ED25519};
use zeroize::Zeroizing;

use super::api::{ApiError, DeviceApi};
use super::certificate;
use super::files::{Identity, IdentityError, IdentityFiles, Secrets};
use super::tls::{self, TlsError, TlsTime};
use crate::domain::credentials::{Credentials, Token};

/// How the server is known before there is an identity.
#[derive(Clone, Debug)]
pub enum Trust {
    /// By the SHA-256 of its CA certificate.
    Sha256([u8; 32]),
    /// By its CA certificate, PEM.
    CaPem(String),
}

/// What the admin gave.
#[derive(Clone, Debug)]
pub struct ClaimOrder {
    /// The server, `https://host:port`.
    pub server: String,
    /// The one-time code.
    pub code: String,
    /// How the server is known.
    pub trust: Trust,
    /// Replace an identity that is already there.
    pub force: bool,
    /// The board in words.
    pub hardware: String,
}

/// Why the claim failed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// There is an identity.
    #[error("this device is claimed already; use --force to replace its identity")]
    AlreadyClaimed,
    /// The code is not valid (any more).
    #[error("the server does not accept the code: {0}")]
    CodeRefused(String),
    /// Anything else the server or the way to it said.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The identity cannot be kept.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A key or signing request cannot be made.
    #[error("cannot make the device key: {0}")]
    Key(#[from] rcgen::Error),
}

/// Claims an identity and keeps it.
///
/// # Errors
/// [`ClaimError`] says what to do; nothing is changed on disk then.
pub async fn claim(order: &ClaimOrder, store: &IdentityFiles) -> Result<Identity, ClaimError> {
    if store.exists() && !order.force {
        return Err(ClaimError::AlreadyClaimed);
    }
    let tls = match &order.trust {
        Trust::Sha256(pin) => tls::pinned_client_config(*pin, TlsTime::WALL)?,
        Trust::CaPem(pem) => tls::client_config(pem, TlsTime::WALL)?,
    };
    let key = KeyPair::generate_for(&PKCS_ED25519)?;
    let request = ClaimRequest {
        code: order.code.trim().to_owned(),
        public_key_pem: key.public_key_pem(),
        csr_pem: certificate::request(&key)?,
        hardware: order.hardware.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let response = DeviceApi::new(&order.server, tls)?.claim(&request).await.map_err(explain)?;
    let (identity, secrets) = accept(response, order);
    store.replace(&identity, &Zeroizing::new(key.serialize_pem()), &secrets)?;
    Ok(identity)
}

fn explain(error: ApiError) -> ClaimError {
    match error {
        ApiError::Refused { status, detail, .. }
            if matches!(status.as_u16(), 400 | 401 | 403 | 404 | 409 | 410 | 422) =>
        {
            let unsaid =
                || "it may be mistyped, used or expired; get a new one with `ostiary-server device add`".into();
            ClaimError::CodeRefused(Some(detail).filter(|said| !said.is_empty()).unwrap_or_else(unsaid))
        }
        other => ClaimError::Api(other),
    }
}

fn accept(response: ClaimResponse, order: &ClaimOrder) -> (Identity, Secrets) {
    let mut credentials = Credentials::default();
    credentials.renewed(Token {
        jwt: response.token.token,
        issued_at: response.token.server_time,
        expires_at: response.token.expires_at,
        received: None,
    });
    let identity = Identity {
        device: response.device,
        site: response.site,
        door: response.door,
        name: response.name,
        server_url: order.server.trim_end_matches('/').to_owned(),
        broker_url: response.broker_url,
        ca_pem: response.ca_pem,
        certificate_pem: response.certificate_pem,
    };
    (identity, Secrets { credentials, session_floor: response.token.session_floor, ..Secrets::default() })
}
