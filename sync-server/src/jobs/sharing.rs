//! What was uploaded to one server, for all that share the store: before a job is released its files go into the store as
//! they lie in the spool, sealed; whoever takes up an item brings the file into its own spool first, if it is not there.
//!
//! A server alone keeps them on its disk and nowhere else: an archive would only make its one file of a store larger.

use std::io;
use std::sync::Arc;

use tokio::sync::Mutex;

use super::filling::FillError;
use super::spool::{Spool, SpoolError};
use crate::domain::job::JobId;
use crate::ports::StoreError;
use crate::ports::job_files::JobFileStore;

/// Files of jobs between this server's spool and the store.
pub struct Sharing {
    store: Arc<dyn JobFileStore>,
    /// One file is fetched at a time: those who wait for the same one find it there.
    fetching: Mutex<()>,
}

/// Why a file is not here.
#[derive(Debug, thiserror::Error)]
pub enum NotHere {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The disk did.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// Neither this server nor the store has it.
    #[error("what was uploaded for the job is not there any more")]
    Gone,
}

impl Sharing {
    /// Over the store that servers share.
    pub fn new(store: Arc<dyn JobFileStore>) -> Self {
        Self { store, fetching: Mutex::default() }
    }

    /// Puts everything uploaded for a job into the store, for every server.
    pub(super) async fn share(&self, spool: &Spool, job: JobId) -> Result<(), FillError> {
        for n in spool.files(job).await? {
            let mut piece = 0;
            while let Some(bytes) = spool.sealed_piece(job, n, piece).await? {
                self.store.put_file_piece(job, n, piece, &bytes).await?;
                piece += 1;
            }
        }
        Ok(self.store.share_job(job).await?)
    }

    /// Sees to it that a file is in this server's spool.
    pub(super) async fn bring(&self, spool: &Spool, job: JobId, n: u64) -> Result<(), NotHere> {
        if spool.has(job, n).await {
            return Ok(());
        }
        let _one = self.fetching.lock().await;
        if spool.has(job, n).await {
            return Ok(());
        }
        let mut pieces = 0;
        let mut copy = spool.copy(job, n).await?;
        while let Some(bytes) = self.store.file_piece(job, n, pieces).await? {
            copy = copy.add(bytes).await?;
            pieces += 1;
        }
        // Dropped unfinished, nothing of it stays.
        if pieces == 0 { Err(NotHere::Gone) } else { Ok(copy.finish().await?) }
    }
}

impl From<io::Error> for NotHere {
    fn from(error: io::Error) -> Self {
        Self::Spool(error.into())
    }
}
