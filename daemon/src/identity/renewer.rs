//! Asking the server for a token: a nonce, signed; with it where the device stands, and now and then the request for
//! a new certificate.

use std::time::Duration;

use ostiary_common::identity::{Standing, TokenRequest, TokenResponse};
use ostiary_common::ids::PackId;
use rcgen::KeyPair;
use zeroize::Zeroizing;

use super::api::{ApiError, DeviceApi};
use super::files::Identity;
use super::tls::{TlsTime, client_config};
use super::{assertion, certificate};
use crate::clock::SystemClock;

/// How long a device that has a token waits for a newer one before it connects with the one it has.
pub const FIRST_RENEWAL: Duration = Duration::from_secs(5);

/// Asks the server for tokens.
#[derive(Clone)]
pub struct Renewer {
    pub(super) identity: Identity,
    pub(super) key_pem: Zeroizing<String>,
    /// Whether a new certificate is on its way or waits to be tried already.
    pub(super) has_candidate: bool,
}

impl Renewer {
    /// Asks for a nonce and buys a token with it.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn request(&self, clock: &SystemClock, standing: Option<Standing>) -> Result<TokenResponse, ApiError> {
        let malformed = |error: &dyn std::fmt::Display| ApiError::Malformed(error.to_string());
        let tls = client_config(&self.identity.ca_pem, TlsTime::by(clock)).map_err(|e| malformed(&e))?;
        let api = DeviceApi::new(&self.identity.server_url, tls)?;
        let nonce = api.nonce(self.identity.device).await?;
        let signed = assertion::sign(self.identity.device, nonce, &self.key_pem, clock.wall());
        let assertion = signed.map_err(|e| malformed(&e))?;
        api.token(&TokenRequest { assertion, csr_pem: self.certificate_request(clock), standing }).await
    }

    /// A pack's archive from `have` bytes on, by a token of its own; and whether it is only the rest that comes.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn pack(
        &self,
        clock: &SystemClock,
        id: &PackId,
        have: u64,
    ) -> Result<(reqwest::Response, bool), ApiError> {
        let token = self.request(clock, None).await?.token;
        let malformed = |error: &dyn std::fmt::Display| ApiError::Malformed(error.to_string());
        let tls = client_config(&self.identity.ca_pem, TlsTime::by(clock)).map_err(|e| malformed(&e))?;
        DeviceApi::new(&self.identity.server_url, tls)?.pack(&token, id, have).await
    }

    /// The request for a new certificate, if one is due. A key that was read and cannot sign is not to be thought of;
    /// if it were, the token would come without a certificate.
    fn certificate_request(&self, clock: &SystemClock) -> Option<String> {
        let Identity { certificate_pem, ca_pem, site, .. } = &self.identity;
        if self.has_candidate || !certificate::is_due(certificate_pem, ca_pem, *site, clock.wall()) {
            return None;
        }
        KeyPair::from_pem(&self.key_pem).and_then(|key| certificate::request(&key)).ok()
    }
}
