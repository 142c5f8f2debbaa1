//! Jobs: work that goes on after the answer, and survives the end of the process.
//!
//! The queue itself is in the store ([`JobStore`]); here is what works it off. Whoever asks for work fills a job by
//! [`Jobs::begin`]; [`worker`] leases items and hands each to the [`work::Work`] of its kind, which says what becomes of
//! it; the store commits that together with everything it changes. What was uploaded waits in the [`spool`], and in the
//! store too where several servers share it ([`sharing`]).
//!
//! To add a kind of job: a row in [`domain::job::JobKind`](crate::domain::job::JobKind), and a `Work` that `app` hands
//! to the worker.

pub mod feed;
pub mod filling;
pub mod nightly;
pub mod sharing;
pub mod spool;
pub mod under_way;
pub mod work;
pub mod worker;

use std::sync::Arc;
use std::time::Duration;

use ostiary_common::time::UnixMillis;

use self::feed::Feed;
use self::sharing::{NotHere, Sharing};
use self::spool::Spool;
use self::under_way::UnderWay;
use crate::domain::job::JobId;
use crate::ports::jobs::JobStore;
use crate::ports::{Clock, StoreError};

/// What the server's parts use of jobs.
pub struct Jobs {
    /// The queue.
    pub store: Arc<dyn JobStore>,
    /// What was uploaded.
    pub spool: Spool,
    /// Between the spool and the store, where several servers share that.
    pub sharing: Option<Sharing>,
    /// What is being done here.
    pub under_way: UnderWay,
    /// Says when something of a job changed here.
    pub feed: Feed,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// This server among those that share a store.
    pub node: String,
    /// How long a job that is over can be looked at.
    pub keep: Duration,
}

impl Jobs {
    /// Sees to it that what was uploaded for a job, to whichever server, can be read from the spool here.
    ///
    /// # Errors
    /// [`NotHere`].
    pub async fn bring(&self, job: JobId, n: u64) -> Result<(), NotHere> {
        match &self.sharing {
            Some(sharing) => sharing.bring(&self.spool, job, n).await,
            None => Ok(()),
        }
    }

    /// Ends a job at once, with what was uploaded for it. `false` if it is over already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cancel(&self, id: JobId) -> Result<bool, StoreError> {
        let cancelled = self.store.cancel_job(id, self.keep, self.clock.now()).await?;
        if cancelled {
            self.spool.remove(id).await;
            self.feed.changed(id);
        }
        Ok(cancelled)
    }

    /// Takes back a job that is still being put together, with what was uploaded for it; nothing is left of it. `false`
    /// if it is not being put together.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take_back(&self, id: JobId) -> Result<bool, StoreError> {
        let gone = self.store.take_back_job(id).await?;
        if gone {
            self.spool.remove(id).await;
            self.feed.changed(id);
        }
        Ok(gone)
    }

    /// Stops a job until it is resumed. `false` if it is not ready.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pause(&self, id: JobId) -> Result<bool, StoreError> {
        let paused = self.store.pause_job(id).await?;
        self.feed.changed(id);
        Ok(paused)
    }

    /// Lets a paused job go on. `false` if it is not paused.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn resume(&self, id: JobId) -> Result<bool, StoreError> {
        let resumed = self.store.resume_job(id, self.clock.now()).await?;
        self.feed.queued(id);
        Ok(resumed)
    }

    /// Puts items that were given up back into the queue, these or all; returns how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn retry(&self, id: JobId, which: Option<&[u64]>) -> Result<u64, StoreError> {
        let back = self.store.retry_items(id, which, self.clock.now()).await?;
        self.feed.queued(id);
        Ok(back)
    }

    /// Forgets jobs whose time is over, and what was uploaded for jobs that need it no more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget(&self, now: UnixMillis) -> Result<usize, StoreError> {
        let gone = self.store.forget_jobs(now).await?;
        let kept = self.spool.jobs().await;
        let needed = self.store.jobs_in_need(&kept).await?;
        for job in kept.into_iter().filter(|job| !needed.contains(job)) {
            self.spool.remove(job).await;
        }
        Ok(gone.len())
    }
}
