//! Having a token that works: which one to use, asking for the next, keeping what came.

use std::time::Duration;

use ostiary_common::identity::{Standing, TokenResponse};
use ostiary_common::time::UnixMillis;
use zeroize::Zeroizing;

use super::api::{ApiError, DeviceApi};
use super::assertion::{self, DeviceSigner};
use super::files::{Identity, IdentityError, IdentityFiles, Secrets};
use super::tls::client_config;
use crate::clock::SystemClock;
use crate::domain::credentials::{Credentials, Slot, Token};
use crate::shared::Shared;

/// The identity with its tokens.
pub struct TokenKeeper {
    identity: Identity,
    key_pem: Zeroizing<String>,
    files: IdentityFiles,
    secrets: Secrets,
    /// The token to connect with, chosen by [`TokenKeeper::usable`].
    chosen: Option<Token>,
}

impl TokenKeeper {
    /// Reads the identity. With `forget`, tokens are asked for anew, and with them the session floor: for a
    /// device whose own counter was lost.
    ///
    /// # Errors
    /// [`IdentityError`] says what to do.
    pub fn load(files: IdentityFiles, forget: bool) -> Result<Self, IdentityError> {
        let (identity, key_pem) = files.load()?;
        let mut secrets = files.secrets();
        if forget {
            secrets.credentials = Credentials::default();
        }
        Ok(Self { identity, key_pem, files, secrets, chosen: None })
    }

    /// Who this device is.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The device's private key, PEM.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// The next session number must be higher.
    #[must_use]
    pub const fn session_floor(&self) -> u64 {
        self.secrets.session_floor
    }

    /// Chooses the token to connect with at `now`; `None` if a new one must be had first.
    pub fn usable(&mut self, now: UnixMillis) -> Option<Slot> {
        let chosen = self.secrets.credentials.choose(now);
        let (slot, token) = chosen.map(|(slot, token)| (slot, token.clone())).unzip();
        self.chosen = token;
        slot
    }

    /// The token chosen.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.chosen.as_ref().map(|token| token.jwt.as_str())
    }

    /// How long until the token chosen should be renewed.
    #[must_use]
    pub fn renew_in(&self, now: UnixMillis) -> Duration {
        let left_ms = self.chosen.as_ref().map_or(0, |token| token.renew_at().since_ms(now));
        Duration::from_millis(u64::try_from(left_ms).unwrap_or(0).max(1000))
    }

    /// What signs with the device's key.
    #[must_use]
    pub fn signer(&self) -> DeviceSigner {
        DeviceSigner::new(&self.key_pem)
    }

    /// What asks the server for new tokens, to be used beside a conversation.
    #[must_use]
    pub fn renewer(&self) -> Renewer {
        Renewer { identity: self.identity.clone(), key_pem: self.key_pem.clone() }
    }

    /// Keeps a new token, and what the server said of time and sessions.
    pub fn renewed(&mut self, response: TokenResponse, shared: &Shared) {
        shared.telemetry.tokens_renewed.add_one();
        shared.clock.heard_server_time(response.server_time);
        if let Err(error) = shared.cache.meta.raise_time_floor(response.server_time) {
            tracing::warn!(%error, "cannot keep the time floor");
        }
        self.secrets.session_floor = self.secrets.session_floor.max(response.session_floor);
        self.secrets.credentials.renewed(Token {
            jwt: response.token,
            issued_at: response.server_time,
            expires_at: response.expires_at,
        });
        self.save();
    }

    /// The broker took the token of `slot`.
    pub fn accepted(&mut self, slot: Slot) {
        if self.secrets.credentials.accepted(slot) {
            self.save();
        }
    }

    /// The broker refused the token of `slot`.
    pub fn refused(&mut self, slot: Slot) {
        self.secrets.credentials.refused(slot);
        self.save();
    }

    /// A card that takes no writes any more must not take the door out of service: a token that is not kept is
    /// asked for again at the next start.
    fn save(&self) {
        if let Err(error) = self.files.save_secrets(&self.secrets) {
            tracing::warn!(%error, "cannot keep the token: {error}");
        }
    }
}

/// Asks the server for tokens.
pub struct Renewer {
    identity: Identity,
    key_pem: Zeroizing<String>,
}

impl Renewer {
    /// Asks for a nonce and buys a token with it, saying where the device stands.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn request(&self, clock: &SystemClock, standing: Standing) -> Result<TokenResponse, ApiError> {
        let tls = client_config(&self.identity.ca_pem, clock.floor());
        let tls = tls.map_err(|error| ApiError::Malformed(error.to_string()))?;
        let api = DeviceApi::new(&self.identity.server_url, tls)?;
        let nonce = api.nonce(self.identity.device).await?;
        let signed = assertion::sign(self.identity.device, nonce, &self.key_pem, clock.wall());
        api.token(signed.map_err(|error| ApiError::Malformed(error.to_string()))?, standing).await
    }
}
