//! How long the link waits for a store that does not answer.

use std::time::Duration;

use crate::ports::StoreError;

/// What a running server waits between tries.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// Pauses between tries while the store does not answer; after the last one the message is left unacknowledged.
#[derive(Clone, Copy, Debug)]
pub struct Patience(&'static [Duration]);

impl Default for Patience {
    fn default() -> Self {
        Self(&PAUSES)
    }
}

impl Patience {
    /// One try and no more: for a caller whose time does not pass by itself.
    pub const NONE: Self = Self(&[]);

    /// Asks the store, and again if the database does not answer. Other errors do not get better by waiting.
    ///
    /// # Errors
    /// The store's last answer.
    pub(super) async fn ask<T, F>(self, mut ask: impl FnMut() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        for pause in self.0 {
            match ask().await {
                Err(StoreError::Database(error) | StoreError::BrokenOff(error) | StoreError::Away(error)) => {
                    tracing::warn!(%error, "the store does not answer, trying again in {pause:?}");
                    metrics::counter!("ostiary_server_store_retries_total").increment(1);
                    tokio::time::sleep(*pause).await;
                }
                answer => return answer,
            }
        }
        ask().await
    }
}
