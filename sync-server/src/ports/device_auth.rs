//! Who may connect to the broker.

use async_trait::async_trait;
use ostiary_common::claims::DeviceClaims;

/// Why a client may not connect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthRefused {
    /// The token is not one of ours, was altered, has ended, or is for something else.
    #[error("token refused: {0}")]
    Token(String),
    /// The token is good but its device is not active.
    #[error("device is {0}")]
    Device(&'static str),
    /// The client id is not the token's subject.
    #[error("client id does not belong to the token")]
    ClientId,
    /// The store could not be asked; nobody is let in on doubt.
    #[error("cannot check now: {0}")]
    Unavailable(String),
}

/// Who may connect to the broker.
#[async_trait]
pub trait DeviceAuth: Send + Sync {
    /// Checks a device token presented as the MQTT password by client `client_id`: signature, audience, times,
    /// that `sub` is the client id, and that the device is active in the store.
    async fn authenticate(&self, client_id: &str, token: &str) -> Result<DeviceClaims, AuthRefused>;
}
