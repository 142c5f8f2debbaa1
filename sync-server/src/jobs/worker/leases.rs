//! Looks after leases: whether they are still valid every second, so that a job that is cancelled or paused stops within
//! that, and prolongs them every ten.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{LEASE, Worker};

/// How often leases are prolonged.
const PROLONG_EVERY: Duration = Duration::from_secs(10);
/// How often it is looked whether they are still valid.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Worker {
    pub(super) async fn watch(self: Arc<Self>, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut prolonged = self.jobs.clock.elapsed();
        while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
            let held = self.jobs.under_way.leases();
            if held.is_empty() {
                continue;
            }
            let looked = self.jobs.store.valid_leases(&held).await;
            match looked {
                Ok(valid) => self.jobs.under_way.let_go(&held, &valid),
                Err(error) => tracing::warn!(%error, "leases could not be looked at: {error}"),
            }
            if self.jobs.clock.elapsed().saturating_sub(prolonged) >= PROLONG_EVERY {
                prolonged = self.jobs.clock.elapsed();
                let until = self.jobs.clock.now().plus(LEASE);
                if let Err(error) = self.jobs.store.renew_leases(&held, until).await {
                    tracing::warn!(%error, "leases could not be prolonged: {error}");
                }
            }
        }
    }
}
