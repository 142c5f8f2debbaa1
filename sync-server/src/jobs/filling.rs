//! Putting a job together. Until it is released nobody works on it; dropped before that, it is taken back.

use std::sync::Arc;

use super::Jobs;
use super::spool::{SpoolError, Upload};
use crate::domain::job::{JobId, JobKind, NewItem, NewJob};
use crate::ports::StoreError;
use crate::sealing::JobKey;
use ostiary_common::ids::{PersonId, UserId};

/// Items written in one transaction.
const AT_ONCE: usize = 500;

/// What a job is to be.
#[derive(Clone, Debug)]
pub struct Order {
    /// What it does.
    pub kind: JobKind,
    /// Who asked for it; `None` if the server did.
    pub account: Option<UserId>,
    /// The one person it is about, if it is.
    pub person: Option<PersonId>,
    /// Whether something is uploaded for it: then only this server can do the work, unless others share the store.
    pub uploads: bool,
    /// What is asked, as its kind writes it.
    pub plan: Vec<u8>,
}

/// Why a job could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum FillError {
    /// The queue failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was uploaded could not be kept.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

/// A job under way into the queue.
pub struct Filling {
    jobs: Arc<Jobs>,
    id: JobId,
    key: Arc<JobKey>,
    items: Vec<NewItem>,
    written: u64,
    uploads: bool,
    released: bool,
}

impl Jobs {
    /// Begins a job.
    ///
    /// # Errors
    /// [`FillError::Store`].
    pub async fn begin(self: &Arc<Self>, order: Order) -> Result<Filling, FillError> {
        let id = JobId::generate();
        let job = NewJob {
            id,
            kind: order.kind,
            account: order.account,
            person: order.person,
            node: if order.uploads { self.node.clone() } else { String::new() },
            plan: order.plan,
            created_at: self.clock.now(),
        };
        let key = Arc::new(self.store.begin_job(&job).await?);
        let uploads = order.uploads;
        Ok(Filling { jobs: Arc::clone(self), id, key, items: Vec::new(), written: 0, uploads, released: false })
    }
}

impl Filling {
    /// The job's id.
    pub const fn id(&self) -> JobId {
        self.id
    }

    /// What was uploaded is sealed with it.
    pub fn key(&self) -> Arc<JobKey> {
        Arc::clone(&self.key)
    }

    /// Begins a file of the job's, `n` among them.
    ///
    /// # Errors
    /// [`FillError::Spool`].
    pub async fn upload(&self, n: u64) -> Result<Upload, FillError> {
        Ok(self.jobs.spool.upload(self.id, n, self.key()).await?)
    }

    /// Adds an item and returns its number.
    ///
    /// # Errors
    /// [`FillError::Store`].
    pub async fn add(&mut self, item: NewItem) -> Result<u64, FillError> {
        let n = self.written + self.items.len() as u64;
        self.items.push(item);
        if self.items.len() >= AT_ONCE {
            self.flush().await?;
        }
        Ok(n)
    }

    /// Hands the job to the workers. What was uploaded must be on the disk by now ([`Upload::finish`]).
    ///
    /// # Errors
    /// [`FillError`].
    pub async fn release(mut self) -> Result<JobId, FillError> {
        self.flush().await?;
        if let Some(sharing) = self.jobs.sharing.as_ref().filter(|_| self.uploads) {
            sharing.share(&self.jobs.spool, self.id).await?;
        }
        self.jobs.store.release_job(self.id, self.jobs.keep, self.jobs.clock.now()).await?;
        self.released = true;
        self.jobs.feed.queued(self.id);
        Ok(self.id)
    }

    /// The same for what is done once in every round: taken back, and `None`, if this round's was released already.
    ///
    /// # Errors
    /// [`FillError::Store`].
    pub async fn release_once(mut self, round: (&str, i64)) -> Result<Option<JobId>, FillError> {
        self.flush().await?;
        let jobs = &self.jobs;
        if !jobs.store.release_once(self.id, round, jobs.keep, jobs.clock.now()).await? {
            return Ok(None);
        }
        self.released = true;
        self.jobs.feed.queued(self.id);
        Ok(Some(self.id))
    }

    async fn flush(&mut self) -> Result<(), FillError> {
        let items = std::mem::take(&mut self.items);
        if !items.is_empty() {
            self.jobs.store.add_items(self.id, self.written, &items).await?;
            self.written += items.len() as u64;
        }
        Ok(())
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        if self.released {
            return;
        }
        let (jobs, id) = (Arc::clone(&self.jobs), self.id);
        // If the process ends before, the next start takes it back.
        tokio::spawn(async move {
            if let Err(error) = jobs.take_back(id).await {
                tracing::warn!(job.id = %id, %error, "a job that was not put together could not be taken back: {error}");
            }
        });
    }
}
