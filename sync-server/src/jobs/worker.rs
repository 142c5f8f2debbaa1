//! Works jobs off: each lane leases as many items as it has room for, does them, and commits what became of them.
//!
//! Items that end at about the same time are committed together (`commits`), and small ones are leased and done together
//! as well, because each flush of the disk takes as long as a small item. What becomes of an item is settled in `ending`;
//! `leases` looks whether they are still valid. A server that ends leaves its leases behind; it frees them itself when
//! it begins anew, others after [`LEASE`].

mod commits;
mod ending;
mod leases;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::commits::Commits;
use super::Jobs;
use super::work::{Finished, Work, WorkError};
use crate::domain::job::{ClaimedItem, JobKind, Lane, Lease};
use crate::ports::DeviceLink;
use crate::ports::jobs::Claim;

/// How long a server may be silent before others take what it had.
pub const LEASE: Duration = Duration::from_secs(30);
/// How often it is looked for work nobody told of: another server's, or such whose pause is over.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// Small items leased and done together.
const SMALL_TOGETHER: u32 = 64;

/// Works jobs off.
pub struct Worker {
    jobs: Arc<Jobs>,
    works: HashMap<JobKind, Arc<dyn Work>>,
    link: Arc<dyn DeviceLink>,
    /// Items that keep models busy at once.
    parallel: usize,
    commits: Commits,
}

/// Items under way in a lane, at most, and how many are asked for at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Room {
    seats: usize,
    /// Leased together, since each lease waits for the disk as well.
    at_once: u32,
}

impl Room {
    /// Of a lane, with so many model threads.
    fn of(lane: Lane, parallel: usize) -> Self {
        match lane {
            // Of four for each thread at least two wait or are being worked on, so that no thread is idle while others
            // are leased or committed; photos wait as files, which are small.
            Lane::Models => Self { seats: 4 * parallel + 4, at_once: u32::try_from(2 * parallel + 2).unwrap_or(1) },
            Lane::Clips | Lane::Disk => Self { seats: 1, at_once: 1 },
        }
    }
}

impl Worker {
    /// Over the queue, with what does each kind; `parallel` items that keep models busy at once.
    pub fn new(jobs: Arc<Jobs>, works: Vec<Arc<dyn Work>>, link: Arc<dyn DeviceLink>, parallel: usize) -> Self {
        let works = works.into_iter().map(|work| (work.kind(), work)).collect();
        let commits = Commits::new(Arc::clone(&jobs));
        Self { jobs, works, link, parallel: parallel.max(1), commits }
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
        let room = Room::of(lane, self.parallel);
        let seats = Arc::new(Semaphore::new(room.seats));
        // Small ones go on in one place only, so that others find theirs while many of them are left.
        let small = Arc::new(Semaphore::new(1));
        while !shutdown.is_cancelled() {
            let Ok(free) = Arc::clone(&seats).acquire_many_owned(room.at_once).await else { return };
            let at_most = room.at_once + u32::try_from(seats.available_permits()).unwrap_or(0);
            let queued = self.jobs.feed.work();
            let turn = Arc::clone(&small).try_acquire_owned().ok();
            let items = self.claim(&kinds, at_most, if turn.is_some() { SMALL_TOGETHER } else { 0 }).await;
            if items.is_empty() {
                drop((free, turn));
                let _ = shutdown.run_until_cancelled(tokio::time::timeout(ASK_EVERY, queued)).await;
                continue;
            }
            self.jobs.under_way.leased(&items);
            self.seat(items, turn, (free, &seats), (&tasks, &shutdown)).await;
        }
    }

    /// Begins items, each on a seat of its own; small ones share one, whose turn it is.
    async fn seat(
        self: &Arc<Self>,
        items: Vec<ClaimedItem>,
        turn: Option<OwnedSemaphorePermit>,
        (mut free, seats): (OwnedSemaphorePermit, &Arc<Semaphore>),
        (tasks, shutdown): (&TaskTracker, &CancellationToken),
    ) {
        let (small, others): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| item.kind.is_small(item.phase));
        let together = Some((small, turn)).filter(|(small, _)| !small.is_empty());
        let alone = others.into_iter().map(|item| (vec![item], None));
        for (items, turn) in together.into_iter().chain(alone) {
            let seat = match free.split(1) {
                Some(seat) => seat,
                // They are free: nobody else sits down.
                None => match Arc::clone(seats).acquire_owned().await {
                    Ok(seat) => seat,
                    Err(_) => return,
                },
            };
            let (worker, shutdown) = (Arc::clone(self), shutdown.clone());
            tasks.spawn(async move {
                worker.items(items, &shutdown).await;
                let was_small = turn.is_some();
                drop((seat, turn));
                if was_small {
                    worker.jobs.feed.more();
                }
            });
        }
    }

    async fn claim(&self, kinds: &[JobKind], at_most: u32, small_at_most: u32) -> Vec<ClaimedItem> {
        let (node, now) = (&self.jobs.node, self.jobs.clock.now());
        let claim = Claim { node, kinds, at_most, small_at_most, lease: LEASE, now };
        self.jobs.store.claim_items(&claim).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the queue of jobs could not be asked: {error}");
            Vec::new()
        })
    }

    /// Does items one after the other, and ends them together.
    async fn items(&self, items: Vec<ClaimedItem>, shutdown: &CancellationToken) {
        let leases: Vec<Lease> = items.iter().map(|item| item.lease).collect();
        let mut worked = Vec::with_capacity(items.len());
        for item in items {
            let lost = self.jobs.under_way.lost(&item.lease);
            let done = tokio::select! {
                biased;
                () = shutdown.cancelled() => None,
                () = lost.cancelled() => None,
                done = self.work(&item) => Some(done),
            };
            match done {
                Some(done) => worked.push((item, done)),
                None if !lost.is_cancelled() => self.give_back(&item.lease).await,
                // Cancelled or paused: it is nobody's concern any more.
                None => {}
            }
        }
        self.settle(worked).await;
        self.jobs.under_way.over(&leases);
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
}

/// Ends a task with whoever waited for it.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
