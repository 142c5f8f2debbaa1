//! What was uploaded for jobs, on this server's disk: sealed with the job's key, there before the answer is given, gone
//! with the outcome. A directory per job, a file per upload.

mod copies;
mod reader;
mod writer;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ostiary_common::seal::SEAL_OVERHEAD_BYTES;
use uuid::Uuid;

pub use self::copies::Copying;
pub use self::reader::SealedFile;
pub use self::writer::Upload;
use crate::domain::job::JobId;
use crate::identity::files::make_private_dir;
use crate::sealing::JobKey;

/// Bytes of a piece, open; each is sealed by itself, so that a file can be read from anywhere.
const PIECE_BYTES: usize = 256 * 1024;
/// The same, sealed.
const SEALED_BYTES: usize = PIECE_BYTES + SEAL_OVERHEAD_BYTES;

/// Why something uploaded cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The disk refused.
    #[error("what was uploaded cannot be kept or read: {0}")]
    Disk(#[from] io::Error),
    /// More was sent than is taken.
    #[error("more than {at_most} bytes were sent")]
    TooLarge {
        /// The most.
        at_most: u64,
    },
}

/// Where uploads wait.
#[derive(Clone, Debug)]
pub struct Spool {
    dir: PathBuf,
}

impl Spool {
    /// In this directory, which is made if it is not there.
    ///
    /// # Errors
    /// [`SpoolError::Disk`].
    pub fn open(dir: PathBuf) -> Result<Self, SpoolError> {
        make_private_dir(&dir).map_err(io::Error::other)?;
        Ok(Self { dir })
    }

    /// Begins a file.
    ///
    /// # Errors
    /// [`SpoolError::Disk`].
    pub async fn upload(&self, job: JobId, n: u64, key: Arc<JobKey>) -> Result<Upload, SpoolError> {
        let (dir, path) = (self.of_job(job), self.path(job, n));
        blocking(move || {
            make_private_dir(&dir).map_err(io::Error::other)?;
            Upload::create(&path, n, key)
        })
        .await
    }

    /// A file's bytes, all of them; for small ones.
    ///
    /// # Errors
    /// [`SpoolError::Disk`] if it is not there, was cut short or altered.
    pub async fn read(&self, job: JobId, n: u64, key: Arc<JobKey>) -> Result<Vec<u8>, SpoolError> {
        let path = self.path(job, n);
        blocking(move || {
            let mut bytes = Vec::new();
            io::Read::read_to_end(&mut SealedFile::open(&path, n, key)?, &mut bytes)?;
            Ok(bytes)
        })
        .await
    }

    /// A file to be read from anywhere. Blocks: not for async threads.
    ///
    /// # Errors
    /// [`SpoolError::Disk`].
    pub fn open_file(&self, job: JobId, n: u64, key: Arc<JobKey>) -> Result<SealedFile, SpoolError> {
        Ok(SealedFile::open(&self.path(job, n), n, key)?)
    }

    /// Removes one file, if it is there.
    pub async fn remove_file(&self, job: JobId, n: u64) {
        let path = self.path(job, n);
        let _ = blocking(move || gone(&path, fs::remove_file(&path))).await;
    }

    /// Removes everything of a job.
    pub async fn remove(&self, job: JobId) {
        let dir = self.of_job(job);
        let _ = blocking(move || gone(&dir, fs::remove_dir_all(&dir))).await;
    }

    /// Jobs there is something of.
    pub async fn jobs(&self) -> Vec<JobId> {
        let dir = self.dir.clone();
        let names = blocking(move || {
            let entries = fs::read_dir(&dir)?.filter_map(Result::ok);
            Ok(entries.filter_map(|entry| entry.file_name().into_string().ok()).collect::<Vec<_>>())
        });
        let names = names.await.unwrap_or_default();
        names.iter().filter_map(|name| Uuid::try_parse(name).ok()).map(JobId).collect()
    }

    fn of_job(&self, job: JobId) -> PathBuf {
        self.dir.join(job.to_string())
    }

    fn path(&self, job: JobId, n: u64) -> PathBuf {
        self.of_job(job).join(n.to_string())
    }
}

/// What was not there is gone as well.
fn gone(path: &Path, removed: io::Result<()>) -> Result<(), SpoolError> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, "{} could not be removed: {error}", path.display());
            Err(error.into())
        }
        _ => Ok(()),
    }
}

/// Runs what waits for the disk where nobody else waits for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SpoolError> + Send + 'static,
) -> Result<T, SpoolError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error).into()))
}

/// What binds a piece to its place: the file and the piece's number, and whether it is the last.
fn seal(key: &JobKey, file: u64, index: u64, is_last: bool, plain: &[u8]) -> Vec<u8> {
    key.seal(&place(file, is_last), index, plain)
}

fn place(file: u64, is_last: bool) -> String {
    format!("spool/{file}/{}", if is_last { "last" } else { "more" })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, SeekFrom};

    use proptest::prelude::*;

    use super::*;
    use crate::sealing::MasterKey;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap()
    }

    async fn kept(spool: &Spool, job: JobId, key: &Arc<JobKey>, pieces: &[Vec<u8>]) {
        let mut upload = spool.upload(job, 3, Arc::clone(key)).await.unwrap();
        for piece in pieces {
            upload = upload.write(piece.clone().into(), u64::MAX).await.unwrap();
        }
        upload.finish().await.unwrap();
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn what_was_written_is_read_from_anywhere(
            sizes in proptest::collection::vec(0_usize..300_000, 0..6), from in any::<u64>(), some in 0_usize..600_000,
        ) {
            let dir = tempfile::tempdir().unwrap();
            let spool = Spool::open(dir.path().join("spool")).unwrap();
            let job = JobId::generate();
            let key = Arc::new(MasterKey::from_bytes([3; 32]).new_job_key(job).0);
            let pieces: Vec<Vec<u8>> = sizes.iter().zip(1_u8..).map(|(size, n)| vec![n; *size]).collect();
            let whole = pieces.concat();
            runtime().block_on(kept(&spool, job, &key, &pieces));
            prop_assert_eq!(runtime().block_on(spool.read(job, 3, Arc::clone(&key))).unwrap(), &whole[..]);
            let mut file = spool.open_file(job, 3, Arc::clone(&key)).unwrap();
            let from = from % (whole.len() as u64 + 1);
            file.seek(SeekFrom::Start(from)).unwrap();
            let mut bytes = Vec::new();
            file.take(some as u64).read_to_end(&mut bytes).unwrap();
            let from = from as usize;
            prop_assert_eq!(bytes, &whole[from..whole.len().min(from + some)]);
        }
    }

    #[test]
    fn what_is_altered_or_cut_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::open(dir.path().to_owned()).unwrap();
        let job = JobId::generate();
        let key = Arc::new(MasterKey::from_bytes([3; 32]).new_job_key(job).0);
        let read = || runtime().block_on(spool.read(job, 3, Arc::clone(&key)));
        runtime().block_on(kept(&spool, job, &key, &[vec![7; PIECE_BYTES * 2 + 5]]));
        let path = spool.path(job, 3);
        let sealed = fs::read(&path).unwrap();
        assert!(!sealed.windows(16).any(|bytes| bytes == [7; 16]), "nothing lies open");
        let check = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            assert!(read().is_err());
        };
        check(&sealed[..SEALED_BYTES * 2]);
        check(&sealed[..SEALED_BYTES]);
        check(&[]);
        check(&sealed[..sealed.len() - 1]);
        let mut altered = sealed.clone();
        altered[SEALED_BYTES + 40] ^= 1;
        check(&altered);
        check(
            &[&sealed[SEALED_BYTES..SEALED_BYTES * 2], &sealed[..SEALED_BYTES], &sealed[SEALED_BYTES * 2..]].concat(),
        );
        fs::write(&path, &sealed).unwrap();
        assert_eq!(read().unwrap().len(), PIECE_BYTES * 2 + 5);
        assert_eq!(runtime().block_on(spool.jobs()), [job]);
        runtime().block_on(spool.remove(job));
        assert!(read().is_err() && runtime().block_on(spool.jobs()).is_empty());
    }
}
