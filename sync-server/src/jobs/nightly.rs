//! Queues what is done every night, once for all servers.
//!
//! The leader looks; should two servers take themselves for it at the same moment, both begin a job, and one is released:
//! the store knows which night it was done for last.

use std::sync::Arc;
use std::time::Duration;

use ostiary_common::time::UnixMillis;
use tokio_util::sync::CancellationToken;

use super::Jobs;
use super::filling::{FillError, Order};
use crate::domain::job::nightly::{is_due, night};
use crate::domain::job::{Job, JobId, JobKind, JobState, NewItem};
use crate::ports::StoreError;
use crate::ports::jobs::JobFilter;
use crate::replicas::Leader;

/// How often it is looked whether the time has come.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Jobs of a kind looked at: some may have been cancelled.
const LATEST: u32 = 8;

/// Queues one kind of job every night.
pub struct Nightly {
    /// The queue.
    pub jobs: Arc<Jobs>,
    /// What is done.
    pub kind: JobKind,
    /// The minute of the day, UTC.
    pub minute: u32,
    /// What was never done waits for its minute after this.
    pub since: UnixMillis,
    /// Whether this server does it for all.
    pub leader: Leader,
}

impl Nightly {
    /// Looks until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let (mut tick, mut terms) = (tokio::time::interval(LOOK_EVERY), self.leader.terms());
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                _ = terms.changed() => {}
                () = shutdown.cancelled() => return,
            }
            if let Err(error) = self.look().await {
                tracing::error!(%error, "the nightly {} could not be queued: {error}", self.kind.as_str());
            }
        }
    }

    /// Queues the job if its time has come and this server leads; returns it if it was queued here.
    ///
    /// # Errors
    /// [`FillError`]; the next look tries again.
    pub async fn look(&self) -> Result<Option<JobId>, FillError> {
        if !self.leader.leads() {
            return Ok(None);
        }
        let now = self.jobs.clock.now();
        let last = self.last().await?;
        if !is_due(self.minute, last, self.since, now) {
            return Ok(None);
        }
        let order = Order { kind: self.kind, account: None, person: None, uploads: false, plan: b"{}".to_vec() };
        let mut filling = self.jobs.begin(order).await?;
        filling.add(NewItem { task: b"{}".to_vec(), ..NewItem::default() }).await?;
        let name = format!("nightly {}", self.kind.as_str());
        filling.release_once((&name, night(self.minute, now))).await
    }

    /// When it was last queued.
    async fn last(&self) -> Result<Option<UnixMillis>, StoreError> {
        let filter = JobFilter { kind: Some(self.kind), ..JobFilter::default() };
        let jobs = self.jobs.store.jobs(&filter, None, LATEST).await?;
        let counts = |job: &&Job| !matches!(job.state, JobState::Filling | JobState::Cancelled);
        Ok(jobs.iter().find(counts).map(|job| job.created_at))
    }
}
