//! A device's way in: claim with a one-time code, then renewal by signed assertion.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ostiary_common::identity::{ClaimRequest, ClaimResponse, GalleryKey, Posting, Secret, TokenRequest, TokenResponse};
use ostiary_common::ids::{DeviceId, TokenId};
use ostiary_common::time::UnixMillis;

use super::assertion;
use super::authority::{Authority, BadDeviceKey, Signed, ed25519_key};
use super::claim_code::ClaimCodeText;
use super::nonce::Nonces;
use super::tokens::{TokenRefused, Tokens};
use crate::domain::device::{ClaimCode, Device, DeviceState};
use crate::domain::device_life::{Behind, DeviceCertificate, behind};
use crate::ports::{Clock, LifeStore, Store, StoreError};

/// Claims, nonces and renewals.
pub struct DeviceIdentity {
    /// Devices and codes.
    pub store: Arc<dyn Store>,
    /// Certificates and streams.
    pub lives: Arc<dyn LifeStore>,
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

/// What a device got for its proof.
pub struct Renewed {
    /// The device.
    pub device: Device,
    /// What it is told.
    pub response: TokenResponse,
    /// In what its memory is behind ours, if it is.
    pub behind: Option<Behind>,
    /// Whether it was given a new certificate, by which an older one is revoked.
    pub has_new_certificate: bool,
}

/// Certificates of a device that stay good beside a new one: the last, until the new one has worked.
const KEPT_CERTIFICATES: u32 = 1;

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
        let signed =
            self.authority.sign_device(&request.csr_pem, &request.public_key_pem, device.id, device.site, now)?;
        // Another board or another key: none of the certificates before counts any more.
        self.remember(&device, &signed, 0, now).await?;
        let response = ClaimResponse {
            device: device.id,
            site: device.site,
            door: device.door,
            name: device.name.clone(),
            broker_url: self.broker_url.clone(),
            ca_pem: self.authority.certificate_pem().to_owned(),
            certificate_pem: signed.pem,
            token: self.token_for(&device, now),
        };
        Ok((device, response))
    }

    /// A nonce to sign. Given to anybody, for it tells nothing and costs nothing.
    pub fn nonce(&self, device: DeviceId) -> String {
        self.nonces.issue(device, self.clock.now())
    }

    /// A new token for a device that proves its key, and with it what else it must know: where it belongs, that its
    /// memory is behind ours, a new certificate if it asked for one.
    ///
    /// # Errors
    /// [`RenewError`].
    pub async fn renew(&self, request: &TokenRequest) -> Result<Renewed, RenewError> {
        let (now, assertion) = (self.clock.now(), request.assertion.as_str());
        let sender = assertion::claimed_sender(assertion)?;
        let device = self.store.device(sender).await?.ok_or(RenewError::Device("unknown"))?;
        let Some(key) = device.public_key_pem.as_deref().filter(|_| device.state == DeviceState::Active) else {
            return Err(RenewError::Device(device.state.as_str()));
        };
        let said = assertion::check(assertion, sender, key)?;
        self.use_up(sender, &said.nonce, said.jti, now).await?;
        let behind = self.behind(&device, request).await?;
        let certificate_pem = self.new_certificate(&device, key, request, now).await?;
        let has_new_certificate = certificate_pem.is_some();
        let gallery_key = self.gallery_key(&device, request).await?;
        let token = self.token_for(&device, now);
        let response = TokenResponse { restored: behind.is_some(), gallery_key, certificate_pem, ..token };
        Ok(Renewed { device, response, behind, has_new_certificate })
    }

    /// The key of its gallery chunks. A device that says where it stands can open sealed ones, and one that was given a
    /// key is given it again; older programs know of neither and are sent open chunks.
    async fn gallery_key(&self, device: &Device, request: &TokenRequest) -> Result<Option<GalleryKey>, StoreError> {
        let key = match request.standing {
            Some(_) => Some(self.store.give_gallery_key(device.id).await?),
            None => self.store.gallery_key(device.id).await?,
        };
        Ok(key.map(|key| GalleryKey { id: key.id, key: Secret(STANDARD.encode(key.key.expose())) }))
    }

    async fn behind(&self, device: &Device, request: &TokenRequest) -> Result<Option<Behind>, StoreError> {
        let Some(standing) = &request.standing else { return Ok(None) };
        let stored = self.lives.highest_seq(device.id, standing.stream).await?;
        Ok(behind(device, standing, stored))
    }

    /// A request that is no good costs the device its new certificate, not its token.
    async fn new_certificate(
        &self,
        device: &Device,
        key_pem: &str,
        request: &TokenRequest,
        now: UnixMillis,
    ) -> Result<Option<String>, StoreError> {
        let Some(csr_pem) = &request.csr_pem else { return Ok(None) };
        match self.authority.sign_device(csr_pem, key_pem, device.id, device.site, now) {
            Ok(signed) => {
                self.remember(device, &signed, KEPT_CERTIFICATES, now).await?;
                Ok(Some(signed.pem))
            }
            Err(error) => {
                tracing::warn!(%error, device.id = %device.id, "no new certificate for {}: {error}", device.id);
                Ok(None)
            }
        }
    }

    async fn remember(&self, device: &Device, signed: &Signed, keep: u32, now: UnixMillis) -> Result<(), StoreError> {
        let Signed { serial, ends_at, .. } = *signed;
        let certificate = DeviceCertificate { serial, device: device.id, issued_at: now, ends_at };
        self.lives.add_certificate(&certificate, keep).await
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
            posting: Some(Posting { site: device.site, door: device.door, name: device.name.clone() }),
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
