//! Having a token that works: which one to use, keeping the next, and what comes with it for the identity: a new
//! certificate, the word that the device has moved. What comes with it for the conversation, that takes up itself.

use std::time::Duration;

use ostiary_common::identity::{Posting, TokenResponse};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::DeviceRoot;
use zeroize::Zeroizing;

use super::assertion::DeviceSigner;
use super::files::{Identity, IdentityError, IdentityFiles, Secrets};
use super::renewer::Renewer;
use crate::domain::certificates::{self, Candidate, Verdict};
use crate::domain::credentials::{Credentials, Moment, Slot, Token};
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

    /// The certificate to connect with, PEM; a new one first.
    #[must_use]
    pub fn certificate(&self) -> (Slot, &str) {
        certificates::choose(&self.identity.certificate_pem, self.secrets.certificate.as_ref())
    }

    /// The next session number must be higher.
    #[must_use]
    pub const fn session_floor(&self) -> u64 {
        self.secrets.session_floor
    }

    /// Chooses the token to connect with at `now`; `None` if a new one must be had first.
    pub fn usable(&mut self, now: Moment) -> Option<Slot> {
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
    pub fn renew_in(&self, now: Moment) -> Duration {
        self.chosen.as_ref().map_or(Duration::ZERO, |token| token.renew_in(now)).max(Duration::from_secs(1))
    }

    /// What signs with the device's key.
    #[must_use]
    pub fn signer(&self) -> DeviceSigner {
        DeviceSigner::new(&self.key_pem)
    }

    /// What asks the server for new tokens, to be used beside a conversation.
    #[must_use]
    pub fn renewer(&self) -> Renewer {
        let has_candidate = self.secrets.certificate.is_some();
        Renewer { identity: self.identity.clone(), key_pem: self.key_pem.clone(), has_candidate }
    }

    /// Keeps a new token and all that came with it. A power cut in between leaves the device where it was or where it
    /// is now, and the next token says the same again.
    pub fn renewed(&mut self, response: TokenResponse, shared: &Shared) {
        shared.telemetry.tokens_renewed.add_one();
        keep_time(response.server_time, shared);
        if let Some(posting) = response.posting {
            self.moved(posting);
        }
        if let Some(pem) = response.certificate_pem {
            self.secrets.certificate = Some(Candidate::new(pem));
        }
        self.secrets.session_floor = self.secrets.session_floor.max(response.session_floor);
        self.secrets.credentials.renewed(Token {
            jwt: response.token,
            issued_at: response.server_time,
            expires_at: response.expires_at,
            received: Some(shared.clock.elapsed()),
        });
        self.save();
    }

    /// The broker took the token of `slot`, and the certificate [`TokenKeeper::certificate`] chose.
    pub fn accepted(&mut self, slot: Slot) {
        let changed = self.secrets.credentials.accepted(slot);
        if self.certificate_worked() || changed {
            self.save();
        }
    }

    /// The broker refused the token of `slot`.
    pub fn refused(&mut self, slot: Slot) {
        self.secrets.credentials.refused(slot);
        self.save();
    }

    /// No connection came to stand.
    pub fn unreachable(&mut self) {
        certificates::failed(self.secrets.certificate.as_mut());
    }

    /// The device's place among the topics.
    #[must_use]
    pub const fn root(&self) -> DeviceRoot {
        DeviceRoot { site: self.identity.site, device: self.identity.device }
    }

    /// The device belongs elsewhere. The identity is replaced in one piece; tokens for the old place are of no use.
    fn moved(&mut self, posting: Posting) {
        let Posting { site, door, name } = posting;
        if (self.identity.site, self.identity.door, &self.identity.name) == (site, door, &name) {
            return;
        }
        if self.identity.site != site {
            self.secrets.credentials = Credentials::default();
        }
        tracing::info!(site.id = %site, door.id = %door, "this device is {name} at another place from now on");
        (self.identity.site, self.identity.door, self.identity.name) = (site, door, name);
        self.save_identity();
    }

    fn certificate_worked(&mut self) -> bool {
        let (slot, _) = self.certificate();
        match certificates::worked(slot, self.secrets.certificate.as_ref()) {
            Verdict::Keep => return false,
            Verdict::GiveUp => tracing::warn!("the new certificate does not work and is given up"),
            Verdict::Promote(pem) => {
                tracing::info!("the new certificate works and takes the old one's place");
                self.identity.certificate_pem = pem;
                self.save_identity();
            }
        }
        self.secrets.certificate = None;
        true
    }

    fn save_identity(&self) {
        if let Err(error) = self.files.update(&self.identity) {
            tracing::warn!(%error, "cannot keep the identity: {error}");
        }
    }

    /// A card that takes no writes any more must not take the door out of service: a token that is not kept is
    /// asked for again at the next start.
    fn save(&self) {
        if let Err(error) = self.files.save_secrets(&self.secrets) {
            tracing::warn!(%error, "cannot keep the token: {error}");
        }
    }
}

fn keep_time(server: UnixMillis, shared: &Shared) {
    shared.clock.heard_server_time(server);
    if let Err(error) = shared.cache.meta.raise_time_floor(server) {
        tracing::warn!(%error, "cannot keep the time floor");
    }
}

#[cfg(test)]
#[path = "tokens_tests.rs"]
mod tests;
