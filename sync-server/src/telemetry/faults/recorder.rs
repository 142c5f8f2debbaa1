//! Writes faults down.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::book::FaultBook;
use crate::ports::StoreError;
use crate::ports::health::HealthStore;
use crate::telemetry::reports::Reports;

/// How long what occurred stays in memory only. Who asks for faults has them written down first.
const EVERY: Duration = Duration::from_secs(5);

/// Brings faults from the book into the store.
pub struct Recorder {
    book: Arc<FaultBook>,
    store: Arc<dyn HealthStore>,
    reports: Option<Reports>,
}

impl Recorder {
    /// From `book` into `store`, and to who is told beside, if anybody is.
    pub fn new(book: Arc<FaultBook>, store: Arc<dyn HealthStore>, reports: Option<Reports>) -> Self {
        Self { book, store, reports }
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
        match (&written, &self.reports) {
            (Err(_), _) => self.book.put_back(faults),
            (Ok(()), Some(reports)) => reports.tell(&faults),
            (Ok(()), None) => {}
        }
        written
    }

    /// Hands over what still waits; that blocks, so it does so elsewhere.
    async fn finish(self: Arc<Self>) {
        let handed = tokio::task::spawn_blocking(move || self.reports.as_ref().map(Reports::finish)).await;
        if let Err(error) = handed {
            tracing::warn!(%error, "the last errors were not told: {error}");
        }
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
                return self.finish().await;
            }
        }
    }
}
