//! Writing an upload, piece by piece, as it comes in.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::{PIECE_BYTES, SpoolError, blocking, seal};
use crate::sealing::JobKey;

/// A file under way.
#[derive(Debug)]
pub struct Upload {
    file: File,
    path: PathBuf,
    key: Arc<JobKey>,
    n: u64,
    index: u64,
    open: Vec<u8>,
    written: u64,
}

impl Upload {
    pub(super) fn create(path: &Path, n: u64, key: Arc<JobKey>) -> Result<Self, SpoolError> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Self { file, path: path.to_owned(), key, n, index: 0, open: Vec::new(), written: 0 })
    }

    /// Adds bytes; more than `at_most` in all are refused.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn write(mut self, bytes: Bytes, at_most: u64) -> Result<Self, SpoolError> {
        self.written = self.written.saturating_add(bytes.len() as u64);
        if self.written > at_most {
            return Err(SpoolError::TooLarge { at_most });
        }
        // Most chunks of a request are small: only a full piece is worth a way to another thread.
        if self.open.len() + bytes.len() <= PIECE_BYTES {
            self.open.extend_from_slice(&bytes);
            return Ok(self);
        }
        blocking(move || {
            self.take(&bytes)?;
            Ok(self)
        })
        .await
    }

    /// Bytes so far.
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// Ends the file; when this returns it is on the disk, with its name.
    ///
    /// # Errors
    /// [`SpoolError::Disk`].
    pub async fn finish(mut self) -> Result<u64, SpoolError> {
        blocking(move || {
            let last = std::mem::take(&mut self.open);
            self.file.write_all(&seal(&self.key, self.n, self.index, true, &last))?;
            self.file.sync_all()?;
            sync_parents(&self.path)?;
            Ok(self.written)
        })
        .await
    }

    fn take(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        // A full piece is written only once more follows: the last one is sealed as such.
        while self.open.len() + bytes.len() > PIECE_BYTES {
            let (now, rest) = bytes.split_at(PIECE_BYTES - self.open.len());
            self.open.extend_from_slice(now);
            self.file.write_all(&seal(&self.key, self.n, self.index, false, &self.open))?;
            self.open.clear();
            self.index += 1;
            bytes = rest;
        }
        self.open.extend_from_slice(bytes);
        Ok(())
    }
}

/// A new file is there for good when its directory is written, and that one's name in its own.
fn sync_parents(path: &Path) -> io::Result<()> {
    for dir in path.ancestors().skip(1).take(2) {
        File::open(dir)?.sync_all()?;
    }
    Ok(())
}
