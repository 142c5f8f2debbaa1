//! The list of certificates that are no longer good, as a file for external brokers (CRL, PEM). The embedded broker
//! needs none: it asks for a token.

use std::path::PathBuf;
use std::sync::Arc;

use super::authority::Authority;
use super::{IdentityError, files};
use crate::ports::{Clock, LifeStore, StoreError};

/// Writes the list.
pub struct RevocationList {
    /// Knows what is revoked.
    pub store: Arc<dyn LifeStore>,
    /// Signs the list.
    pub authority: Arc<Authority>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where it is written.
    pub path: PathBuf,
    /// One writes at a time, so that an older list never takes the place of a newer one.
    pub turn: tokio::sync::Mutex<()>,
}

/// Why the list could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be signed or written.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

impl RevocationList {
    /// Writes the list as it is now. To be called after every change, and now and then, for a list ends as well.
    ///
    /// # Errors
    /// [`ListError`].
    pub async fn write(&self) -> Result<(), ListError> {
        let _turn = self.turn.lock().await;
        let now = self.clock.now();
        let revoked = self.store.revoked_certificates(now).await?;
        let list = self.authority.revocation_list(&revoked, now)?;
        Ok(files::write_public(&self.path, &list)?)
    }

    /// The same where a failure is only worth a line: it is written again within minutes.
    pub async fn refresh(&self) {
        if let Err(error) = self.write().await {
            tracing::error!(%error, "the list of revoked certificates could not be written: {error}");
        }
    }
}
