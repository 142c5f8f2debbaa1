//! A device's way in: claim with a one-time code, then renewal by signed assertion.

use std::sync::Arc;
use std::time::Duration;

use ostiary_common::identity::{ClaimRequest, ClaimResponse, TokenResponse};
use ostiary_common::ids::{DeviceId, TokenId};
use ostiary_common::time::UnixMillis;

use super::assertion;
use super::authority::{Authority, BadDeviceKey, ed25519_key};
use super::claim_code::ClaimCodeText;
use super::nonce::Nonces;
use super::tokens::{TokenRefused, Tokens};
use crate::domain::device::{ClaimCode, Device, DeviceState};
use crate::ports::{Clock, Store, StoreError};

/// Claims, nonces and renewals.
pub struct DeviceIdentity {
    /// Devices and codes.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Signs client certificates.
    pub authority: Arc<Authority>,
    /// Signs device tokens.
    pub tokens: Arc<Tokens>,
    /// Proves freshness.
    pub nonces: Nonces,
    /// `mqtts://host:port` as devices are to reach the broker.
    pub broker_url: String,
    /// How long a claim code may be used.
    pub code_life: Duration,
}

/// A fresh claim code, shown once.
pub struct NewClaimCode {
    /// The code.
    pub code: ClaimCodeText,
    /// Void from here on.
    pub expires_at: UnixMillis,
}

/// Why a claim failed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Unknown, used, or over; which one is not told.
    #[error("the claim code is not valid: unknown, already used, or over; ask for a new one")]
    Code,
    /// The key or certificate request is not usable.
    #[error(transparent)]
    Key(#[from] BadDeviceKey),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a renewal failed.
#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    /// Not signed by the device, or for something else.
    #[error("assertion refused: {0}")]
    Assertion(#[from] TokenRefused),
    /// The nonce is not ours, for another device, over, or was used.
    #[error("the nonce is not valid any more; ask for a new one")]
    Nonce,
    /// There is no such device, or it is not active.
    #[error("device is {0}")]
    Device(&'static str),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DeviceIdentity {
    /// A new claim code in place of any the device had.
    ///
    /// # Errors
    /// [`StoreError::NoSuch`] if there is no such device.
    pub async fn new_claim_code(&self, device: DeviceId) -> Result<NewClaimCode, StoreError> {
        new_claim_code(&*self.store, device, self.clock.now().plus(self.code_life)).await
    }

    /// Takes a claim: uses up the code, keeps the key, and gives the device all it needs. The key is checked
    /// before the code is used up, so that a bad request does not cost the admin a new code.
    ///
    /// # Errors
    /// [`ClaimError`].
    pub async fn claim(&self, request: &ClaimRequest) -> Result<(Device, ClaimResponse), ClaimError> {
        let now = self.clock.now();
        ed25519_key(&request.public_key_pem)?;
        let nobody = (DeviceId(uuid::Uuid::nil()), ostiary_common::ids::SiteId(uuid::Uuid::nil()));
        self.authority.sign_device(&request.csr_pem, &request.public_key_pem, nobody.0, nobody.1, now)?;
        let code = ClaimCodeText::parse(&request.code).ok_or(ClaimError::Code)?;
        let device = self.store.claim(&code.hash(), &request.public_key_pem, now).await?.ok_or(ClaimError::Code)?;
        let certificate_pem =
            self.authority.sign_device(&request.csr_pem, &request.public_key_pem, device.id, device.site, now)?;
        let response = ClaimResponse {
            device: device.id,
            site: device.site,
            door: device.door,
            name: device.name.clone(),
            broker_url: self.broker_url.clone(),
            ca_pem: self.authority.certificate_pem().to_owned(),
            certificate_pem,
            token: self.token_for(&device, now),
        };
        Ok((device, response))
    }

    /// A nonce to sign. Given to anybody, for it tells nothing and costs nothing.
    pub fn nonce(&self, device: DeviceId) -> String {
        self.nonces.issue(device, self.clock.now())
    }

    /// A new token for a device that proves its key.
    ///
    /// # Errors
    /// [`RenewError`].
    pub async fn renew(&self, assertion: &str) -> Result<(DeviceId, TokenResponse), RenewError> {
        let now = self.clock.now();
        let sender = assertion::claimed_sender(assertion)?;
        let device = self.store.device(sender).await?.ok_or(RenewError::Device("unknown"))?;
        let Some(key) = device.public_key_pem.as_deref().filter(|_| device.state == DeviceState::Active) else {
            return Err(RenewError::Device(device.state.as_str()));
        };
        let said = assertion::check(assertion, sender, key)?;
        self.use_up(sender, &said.nonce, said.jti, now).await?;
        Ok((sender, self.token_for(&device, now)))
    }

    async fn use_up(&self, device: DeviceId, nonce: &str, jti: TokenId, now: UnixMillis) -> Result<(), RenewError> {
        let ends = self.nonces.check(device, nonce, now).ok_or(RenewError::Nonce)?;
        if self.store.use_assertion(jti, ends).await? { Ok(()) } else { Err(RenewError::Nonce) }
    }

    fn token_for(&self, device: &Device, now: UnixMillis) -> TokenResponse {
        let issued = self.tokens.issue_device(device, now);
        TokenResponse {
            token: issued.token,
            expires_at: issued.expires_at,
            server_time: now,
            session_floor: device.presence.session,
            gallery_key: None,
            restored: false,
            posting: None,
            certificate_pem: None,
        }
    }
}

/// Puts a new claim code for `device` into the store.
///
/// # Errors
/// [`StoreError::NoSuch`] if there is no such device.
pub async fn new_claim_code(
    store: &dyn Store,
    device: DeviceId,
    expires_at: UnixMillis,
) -> Result<NewClaimCode, StoreError> {
    let code = ClaimCodeText::generate();
    store.put_claim_code(&ClaimCode { device, code_hash: code.hash(), expires_at }).await?;
    Ok(NewClaimCode { code, expires_at })
}
