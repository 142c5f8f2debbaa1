//! What must be done now and then.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::http::Api;
use crate::store::sqlite::SqliteStore;

const EVERY: Duration = Duration::from_secs(60);

/// Forgets what is over and looks how full the gallery is, at once and then once a minute.
pub async fn run(api: Api, store: Arc<SqliteStore>, shutdown: CancellationToken) {
    let mut tick = tokio::time::interval(EVERY);
    while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
        api.limits.forget_quiet();
        api.metrics.run_upkeep();
        if let Err(error) = api.recognition.installation().await {
            tracing::error!(%error, "how full the gallery is could not be seen: {error}");
        }
        if let Err(error) = store.forget_ended(api.now()).await {
            tracing::error!(%error, "old codes could not be removed: {error}");
        }
    }
}
