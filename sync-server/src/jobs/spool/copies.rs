//! Files as they lie here, sealed: handed on in pieces, and copied from another server's pieces.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;

use super::{SEALED_BYTES, Spool, SpoolError, blocking};
use crate::domain::job::JobId;
use crate::identity::files::make_private_dir;

/// What a copy under way is called beside the file it is to become.
const UNFINISHED: &str = "part";

/// A copy under way; what is dropped before it is finished leaves nothing.
#[derive(Debug)]
pub struct Copying {
    file: File,
    from: PathBuf,
    to: PathBuf,
    is_done: bool,
}

impl Spool {
    /// The numbers of a job's files.
    ///
    /// # Errors
    /// [`SpoolError::Disk`].
    pub async fn files(&self, job: JobId) -> Result<Vec<u64>, SpoolError> {
        let dir = self.of_job(job);
        blocking(move || {
            let entries = match fs::read_dir(&dir) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                entries => entries?,
            };
            let number = |entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
            Ok(entries.filter_map(number).collect())
        })
        .await
    }

    /// Whether a file is here, whole.
    pub async fn has(&self, job: JobId, n: u64) -> bool {
        let path = self.path(job, n);
        blocking(move || Ok(path.is_file())).await.unwrap_or(false)
    }

    /// A piece of a file as it lies here; `None` behind the last.
    ///
    /// # Errors
    /// [`SpoolError::Disk`].
    pub async fn sealed_piece(&self, job: JobId, n: u64, piece: u64) -> Result<Option<Vec<u8>>, SpoolError> {
        let path = self.path(job, n);
        blocking(move || {
            let file = File::open(&path)?;
            let from = piece * SEALED_BYTES as u64;
            let left = file.metadata()?.len().saturating_sub(from);
            let size = usize::try_from(left).unwrap_or(usize::MAX).min(SEALED_BYTES);
            let mut bytes = vec![0; size];
            file.read_exact_at(&mut bytes, from)?;
            Ok(Some(bytes).filter(|bytes| !bytes.is_empty()))
        })
        .await
    }

    /// Begins to copy a file of another server. It need not be flushed: the store has it.
    ///
    /// # Errors
    /// [`SpoolError::Disk`].
    pub async fn copy(&self, job: JobId, n: u64) -> Result<Copying, SpoolError> {
        let (dir, to) = (self.of_job(job), self.path(job, n));
        blocking(move || {
            make_private_dir(&dir).map_err(io::Error::other)?;
            let from = to.with_extension(UNFINISHED);
            let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&from)?;
            Ok(Copying { file, from, to, is_done: false })
        })
        .await
    }
}

impl Copying {
    /// Adds the next piece.
    ///
    /// # Errors
    /// [`SpoolError::Disk`].
    pub async fn add(mut self, bytes: Vec<u8>) -> Result<Self, SpoolError> {
        blocking(move || {
            self.file.write_all(&bytes)?;
            Ok(self)
        })
        .await
    }

    /// Gives the copy its name.
    ///
    /// # Errors
    /// [`SpoolError::Disk`].
    pub async fn finish(self) -> Result<(), SpoolError> {
        blocking(move || {
            let mut whole = self;
            fs::rename(&whole.from, &whole.to)?;
            whole.is_done = true;
            Ok(())
        })
        .await
    }
}

impl Drop for Copying {
    fn drop(&mut self) {
        if !self.is_done {
            // What is left over is written over by the next try, or goes with the job.
            let _ = fs::remove_file(&self.from);
        }
    }
}
