//! Writes faults down.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::book::FaultBook;
use crate::ports::StoreError;
use crate::ports::health::HealthStore;

/// How long what occurred stays in memory only. Who asks for faults has them written down first.
const EVERY: Duration = Duration::from_secs(5);

/// Brings faults from the book into the store.
pub struct Recorder {
    book: Arc<FaultBook>,
    store: Arc<dyn HealthStore>,
}

impl Recorder {
    /// From `book` into `store`.
    pub fn new(book: Arc<FaultBook>, store: Arc<dyn HealthStore>) -> Self {
        Self { book, store }
    }

    /// Writes down what came together; what cannot be written stays in the book.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn flush(&self) -> Result<(), StoreError> {
        let faults = self.book.take();
        if faults.is_empty() {
            return Ok(());
        }
        let written = self.store.add_faults(&faults).await;
        if written.is_err() {
            self.book.put_back(faults);
        }
        written
    }

    /// Does it now and then until `shutdown`, and once more.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(EVERY);
        loop {
            let goes_on = shutdown.run_until_cancelled(tick.tick()).await.is_some();
            if let Err(error) = self.flush().await {
                // Not an ERROR: that would be a fault each time, about faults.
                tracing::warn!(%error, "errors could not be written down: {error}");
            }
            if !goes_on {
                return;
            }
        }
    }
}
