//! What was uploaded for jobs, kept in the store for every server that shares it.

use async_trait::async_trait;

use super::StoreError;
use crate::domain::job::JobId;

/// Files of jobs in pieces, sealed before they come here. They go with the outcome: of their item, or of their job.
#[async_trait]
pub trait JobFileStore: Send + Sync {
    /// Keeps a piece of the file `n`, in place of one of the same number. [`StoreError::NoSuch`] if the job is gone.
    async fn put_file_piece(&self, job: JobId, n: u64, piece: u64, bytes: &[u8]) -> Result<(), StoreError>;
    /// A piece of a file; `None` behind its last.
    async fn file_piece(&self, job: JobId, n: u64, piece: u64) -> Result<Option<Vec<u8>>, StoreError>;
    /// Says that everything uploaded for a job that is still being filled is here: every server may work on it.
    async fn share_job(&self, job: JobId) -> Result<(), StoreError>;
}
