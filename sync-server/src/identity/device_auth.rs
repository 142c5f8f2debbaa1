//! Who may connect to the broker.

use std::sync::Arc;

use async_trait::async_trait;
use ostiary_common::claims::DeviceClaims;

use super::tokens::Tokens;
use crate::domain::device::DeviceState;
use crate::ports::{AuthRefused, Clock, DeviceAuth, Store};

/// Checks device tokens against our keys and the store.
pub struct TokenAuth {
    /// The keys.
    pub tokens: Arc<Tokens>,
    /// Whether the device is active.
    pub store: Arc<dyn Store>,
    /// The time tokens are checked by.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl DeviceAuth for TokenAuth {
    async fn authenticate(&self, client_id: &str, token: &str) -> Result<DeviceClaims, AuthRefused> {
        let claims = self
            .tokens
            .check_device(token, self.clock.now())
            .map_err(|refused| AuthRefused::Token(refused.to_string()))?;
        if claims.sub.to_string() != client_id {
            return Err(AuthRefused::ClientId);
        }
        let device = self.store.device(claims.sub).await.map_err(|e| AuthRefused::Unavailable(e.to_string()))?;
        match device {
            None => Err(AuthRefused::Device("unknown")),
            Some(device) if device.state != DeviceState::Active => Err(AuthRefused::Device(device.state.as_str())),
            // Moved to another site: the token's rules name the old one.
            Some(device) if device.site != claims.site => Err(AuthRefused::Token("for another site".into())),
            // Claimed again since: a new board has taken this one's place.
            Some(device) if device.claimed_at.is_some_and(|at| claims.iat < at.as_unix_seconds()) => {
                Err(AuthRefused::Token("from before the device was claimed again".into()))
            }
            Some(_) => Ok(claims),
        }
    }
}
