//! Works jobs off: each lane leases as many items as it has room for, does them, and commits what became of them.
//!
//! A lease is looked at every second, so that a job that is cancelled or paused stops within that, and prolonged every
//! ten. A server that ends leaves its leases behind; it frees them itself when it begins anew, others after
//! [`LEASE`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Jobs;
use super::work::{Finished, Work, WorkError};
use crate::domain::job::retry::after_failure;
use crate::domain::job::{ClaimedItem, ItemEnd, JobKind, Lane, Lease, Settlement};
use crate::ports::jobs::Claim;
use crate::ports::{DeviceLink, StoreError};

/// How long a server may be silent before others take what it had.
pub const LEASE: Duration = Duration::from_secs(30);
/// How often leases are prolonged.
const PROLONG_EVERY: Duration = Duration::from_secs(10);
/// How often it is looked whether they are still valid.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked for work nobody told of: another server's, or such whose pause is over.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Works jobs off.
pub struct Worker {
    jobs: Arc<Jobs>,
    works: HashMap<JobKind, Arc<dyn Work>>,
    link: Arc<dyn DeviceLink>,
    /// Items of the models' lane at once.
    parallel: usize,
    held: Mutex<HashMap<Lease, CancellationToken>>,
}

impl Worker {
    /// Over the queue, with what does each kind; `parallel` items that keep models busy at once.
    pub fn new(jobs: Arc<Jobs>, works: Vec<Arc<dyn Work>>, link: Arc<dyn DeviceLink>, parallel: usize) -> Self {
        let works = works.into_iter().map(|work| (work.kind(), work)).collect();
        Self { jobs, works, link, parallel: parallel.max(1), held: Mutex::default() }
    }

    /// Works until `shutdown`; what is being done then is given back.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        match self.jobs.store.free_leases(&self.jobs.node).await {
            Ok(0) => {}
            Ok(freed) => tracing::info!("{freed} items of jobs go on that were cut off when the server ended"),
            // They run out by themselves.
            Err(error) => tracing::error!(%error, "leases of before could not be freed: {error}"),
        }
        let tasks = TaskTracker::new();
        let lanes = Lane::ALL.map(|lane| tokio::spawn(Arc::clone(&self).lane(lane, tasks.clone(), shutdown.clone())));
        let watch = tokio::spawn(Arc::clone(&self).watch(shutdown.clone()));
        for lane in lanes {
            if let Err(error) = lane.await {
                tracing::error!(%error, "a lane of jobs ended: {error}");
            }
        }
        tasks.close();
        tasks.wait().await;
        watch.abort();
    }

    async fn lane(self: Arc<Self>, lane: Lane, tasks: TaskTracker, shutdown: CancellationToken) {
        let kinds: Vec<JobKind> = self.works.keys().copied().filter(|kind| kind.lane() == lane).collect();
        let room = match lane {
            // One more than there are models, so that none waits while an outcome is committed, and one to come.
            Lane::Models => self.parallel + 2,
            Lane::Disk => 1,
        };
        let seats = Arc::new(Semaphore::new(room));
        while !shutdown.is_cancelled() {
            let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
            let at_most = u32::try_from(1 + seats.available_permits()).unwrap_or(1);
            let queued = self.jobs.feed.work();
            let items = self.claim(&kinds, at_most).await;
            if items.is_empty() {
                drop(seat);
                let _ = shutdown.run_until_cancelled(tokio::time::timeout(ASK_EVERY, queued)).await;
                continue;
            }
            let mut seat = Some(seat);
            for item in items {
                let seat = match seat.take() {
                    Some(seat) => seat,
                    None => match Arc::clone(&seats).acquire_owned().await {
                        Ok(seat) => seat,
                        Err(_) => return,
                    },
                };
                let (worker, shutdown) = (Arc::clone(&self), shutdown.clone());
                tasks.spawn(async move {
                    worker.item(item, &shutdown).await;
                    drop(seat);
                });
            }
        }
    }

    async fn claim(&self, kinds: &[JobKind], at_most: u32) -> Vec<ClaimedItem> {
        let claim = Claim { node: &self.jobs.node, kinds, at_most, lease: LEASE, now: self.jobs.clock.now() };
        self.jobs.store.claim_items(&claim).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the queue of jobs could not be asked: {error}");
            Vec::new()
        })
    }

    async fn item(&self, item: ClaimedItem, shutdown: &CancellationToken) {
        let lost = CancellationToken::new();
        self.held().insert(item.lease, lost.clone());
        let worked = tokio::select! {
            biased;
            () = shutdown.cancelled() => None,
            () = lost.cancelled() => None,
            worked = self.work(&item) => Some(worked),
        };
        match worked {
            Some(finished) => self.settle(&item, finished).await,
            None if !lost.is_cancelled() => self.give_back(&item.lease).await,
            // Cancelled or paused: it is nobody's concern any more.
            None => {}
        }
        self.held().remove(&item.lease);
    }

    /// Does an item on a task of its own, so that a panic costs that item alone.
    async fn work(&self, item: &ClaimedItem) -> Result<Finished, WorkError> {
        let Some(work) = self.works.get(&item.kind).map(Arc::clone) else {
            return Err(WorkError::Hopeless(format!("nothing here does jobs of the kind {}", item.kind.as_str())));
        };
        let item = item.clone();
        let mut task = AbortOnDrop(tokio::spawn(async move { work.work(&item).await }));
        let ended = (&mut task.0).await;
        ended.unwrap_or_else(|_| Err(WorkError::Failed("the program failed on it".to_owned())))
    }

    async fn settle(&self, item: &ClaimedItem, worked: Result<Finished, WorkError>) {
        let finished = match worked {
            Err(WorkError::NotNow(_)) => return self.give_back(&item.lease).await,
            Ok(finished) => finished,
            Err(error) => self.failed(item, &error),
        };
        let Finished { settlement, hold } = finished;
        match self.commit(item, &settlement).await {
            Ok(()) => {}
            // Somebody was quicker: what the item was judged by is not so any more.
            Err(error @ (StoreError::Conflict(_) | StoreError::NoSuch(_) | StoreError::Outdated { .. })) => {
                let failed = self.failed(item, &WorkError::Store(error));
                if let Err(error) = self.commit(item, &failed.settlement).await {
                    tracing::error!(job.id = %item.lease.job, %error, "an item could not be ended: {error}");
                }
            }
            // The lease runs out, and the item is done again.
            Err(error) => tracing::error!(job.id = %item.lease.job, %error, "an item could not be ended: {error}"),
        }
        drop(hold);
    }

    async fn commit(&self, item: &ClaimedItem, settlement: &Settlement) -> Result<(), StoreError> {
        let jobs = &self.jobs;
        let settled = jobs.store.settle_item(&item.lease, settlement, jobs.keep, jobs.clock.now()).await?;
        let Some(settled) = settled else { return Ok(()) };
        let how = match settlement.end {
            ItemEnd::Done => "done",
            ItemEnd::Refused => "refused",
            ItemEnd::Again(_) => "failed",
            ItemEnd::Dead => "dead",
        };
        metrics::counter!("ostiary_server_job_items_total", "kind" => item.kind.as_str(), "result" => how).increment(1);
        if let Some(rev) = settled.rev {
            self.link.gallery_changed(rev);
        }
        if matches!(settlement.end, ItemEnd::Done | ItemEnd::Refused) {
            jobs.spool.remove_file(item.lease.job, item.lease.n).await;
        }
        if settled.is_last {
            self.over(item).await?;
        }
        jobs.feed.changed(item.lease.job);
        Ok(())
    }

    async fn over(&self, item: &ClaimedItem) -> Result<(), StoreError> {
        let id = item.lease.job;
        if let Some(job) = self.jobs.store.job(id).await? {
            let counts = job.counts;
            tracing::info!(
                job.id = %id, done = counts.done, refused = counts.refused, dead = counts.dead,
                "job {id} ({}) is over: {} done, {} refused, {} given up",
                job.kind.as_str(), counts.done, counts.refused, counts.dead
            );
            if counts.dead == 0 {
                self.jobs.spool.remove(id).await;
            }
        }
        Ok(())
    }

    fn failed(&self, item: &ClaimedItem, error: &WorkError) -> Finished {
        let end = match error {
            WorkError::Hopeless(_) => ItemEnd::Dead,
            _ => after_failure(item.failures, self.jobs.clock.now()),
        };
        let (id, n) = (item.lease.job, item.lease.n);
        tracing::warn!(job.id = %id, item = n, %error, "an item of a job failed: {error}");
        let outcome = json!({ "detail": error.to_string() }).to_string().into_bytes();
        let settlement =
            Settlement { end, reason: "failed".to_owned(), outcome, person: item.person, effects: Vec::new() };
        Finished { settlement, hold: None }
    }

    async fn give_back(&self, lease: &Lease) {
        if let Err(error) = self.jobs.store.give_back(lease).await {
            tracing::warn!(%error, "an item could not be given back: {error}");
        }
    }

    /// Looks after leases.
    async fn watch(self: Arc<Self>, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut prolonged = self.jobs.clock.elapsed();
        while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
            let held: Vec<Lease> = self.held().keys().copied().collect();
            if held.is_empty() {
                continue;
            }
            let looked = self.jobs.store.valid_leases(&held).await;
            match looked {
                Ok(valid) => self.let_go(&held, &valid),
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

    fn let_go(&self, held: &[Lease], valid: &[Lease]) {
        let known = self.held();
        for lease in held.iter().filter(|lease| !valid.contains(lease)) {
            if let Some(lost) = known.get(lease) {
                lost.cancel();
            }
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<Lease, CancellationToken>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a task with whoever waited for it.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
