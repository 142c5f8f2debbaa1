//! Jobs as they go, for those who watch over a WebSocket: each change told as the whole of the job, no more often than
//! is of use, and what another server does looked up now and then.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::Instant;

use crate::domain::access::Permission;
use crate::domain::job::{Job, JobId, JobState};
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::v1::jobs::view::JobView;
use crate::ports::StoreError;
use crate::ports::jobs::JobFilter;

/// No more often is told.
const AT_MOST_EVERY: Duration = Duration::from_millis(250);
/// So often it is looked whether another server did something.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Jobs under way that are looked up.
const MOST: u32 = 100;

/// What one watcher knows of jobs.
pub(super) struct Progress {
    changes: broadcast::Receiver<JobId>,
    /// Changed since it was told last.
    changed: BTreeSet<JobId>,
    /// What was told of jobs that are not over.
    told: HashMap<JobId, String>,
    told_at: Instant,
    looked_at: Option<Instant>,
}

impl Progress {
    pub(super) fn watch(api: &Api) -> Self {
        let changes = api.jobs.feed.watch();
        Self { changes, changed: BTreeSet::new(), told: HashMap::new(), told_at: Instant::now(), looked_at: None }
    }

    /// Resolves when there may be something to tell. May be dropped at any time.
    pub(super) async fn due(&mut self) {
        loop {
            let look = self.looked_at.map_or_else(Instant::now, |at| at + LOOK_EVERY);
            let tell = if self.changed.is_empty() { look } else { look.min(self.told_at + AT_MOST_EVERY) };
            tokio::select! {
                changed = self.changes.recv() => match changed {
                    Ok(id) => drop(self.changed.insert(id)),
                    // Which of them changed was missed.
                    Err(RecvError::Lagged(_)) => self.changed.extend(self.told.keys()),
                    Err(RecvError::Closed) => std::future::pending().await,
                },
                () = tokio::time::sleep_until(tell) => return,
            }
        }
    }

    /// What is new of jobs that the caller may see now, each as JSON.
    pub(super) async fn news(&mut self, api: &Api, caller: &Caller) -> Result<Vec<String>, StoreError> {
        let reach = caller.access.reach(Permission::JobsRead);
        let own = (!reach.is_everything()).then_some(caller.account);
        let mut wanted = std::mem::take(&mut self.changed);
        self.told_at = Instant::now();
        if self.looked_at.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
            self.looked_at = Some(self.told_at);
            let filter = JobFilter { account: own, state: Some(JobState::Ready), ..JobFilter::default() };
            wanted.extend(api.jobs.store.jobs(&filter, None, MOST).await?.iter().map(|job| job.id));
            wanted.extend(self.told.keys());
        }
        let mut news = Vec::new();
        for id in wanted.into_iter().filter(|_| !reach.is_nothing()) {
            let job = api.jobs.store.job(id).await?.filter(|job| own.is_none() || job.account == own);
            news.extend(job.and_then(|job| self.change(&job, api)));
        }
        Ok(news)
    }

    /// What is to be told of a job; `None` if that was told.
    fn change(&mut self, job: &Job, api: &Api) -> Option<String> {
        let view = serde_json::to_value(JobView::of(job, api.now())).ok()?;
        let text = view.to_string();
        let is_known = match job.state.is_over() {
            true => self.told.remove(&job.id).is_some_and(|told| told == text),
            false => self.told.insert(job.id, text.clone()).is_some_and(|told| told == text),
        };
        (!is_known).then_some(text)
    }
}
