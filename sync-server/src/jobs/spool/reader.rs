//! Reading an upload from anywhere. Every piece is checked when it is opened.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ostiary_common::seal::SEAL_OVERHEAD_BYTES;

use super::{PIECE_BYTES, SEALED_BYTES, place};
use crate::sealing::JobKey;

/// Pieces kept open, 2 MB in all: photos of an archive are read one behind the other, several from each piece, and to open
/// a piece for each of them anew would take longer than to read it.
const KEPT_OPEN: usize = 8;

/// A piece that is open, by its number.
type Opened = (u64, Arc<Vec<u8>>);

/// A file of the spool, as a reader sees it. Clones share the file and what is open of it, each with a place of its own.
#[derive(Clone, Debug)]
pub struct SealedFile {
    file: Arc<File>,
    key: Arc<JobKey>,
    n: u64,
    pieces: u64,
    length: u64,
    at: u64,
    /// The piece read from last.
    here: Option<Opened>,
    open: Arc<Mutex<VecDeque<Opened>>>,
}

impl SealedFile {
    pub(super) fn open(path: &Path, n: u64, key: Arc<JobKey>) -> io::Result<Self> {
        let file = File::open(path)?;
        let (sealed, piece) = (file.metadata()?.len(), SEALED_BYTES as u64);
        let pieces = sealed.div_ceil(piece);
        let overhead = SEAL_OVERHEAD_BYTES as u64 * pieces;
        let length = sealed.checked_sub(overhead).filter(|_| pieces > 0).ok_or_else(damaged)?;
        let mut opened = Self { file: Arc::new(file), key, n, pieces, length, at: 0, here: None, open: Arc::default() };
        // That the last piece is the last says that nothing was cut off.
        opened.piece(pieces - 1)?;
        Ok(opened)
    }

    /// Bytes in it.
    pub const fn length(&self) -> u64 {
        self.length
    }

    fn piece(&mut self, index: u64) -> io::Result<Arc<Vec<u8>>> {
        if let Some((_, bytes)) = self.here.as_ref().filter(|(at, _)| *at == index) {
            return Ok(Arc::clone(bytes));
        }
        let bytes = match self.kept(index) {
            Some(bytes) => bytes,
            None => self.opened(index)?,
        };
        self.here = Some((index, Arc::clone(&bytes)));
        Ok(bytes)
    }

    fn kept(&self, index: u64) -> Option<Arc<Vec<u8>>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.iter().find(|(at, _)| *at == index).map(|(_, bytes)| Arc::clone(bytes))
    }

    fn opened(&self, index: u64) -> io::Result<Arc<Vec<u8>>> {
        let is_last = index + 1 == self.pieces;
        let before = index * PIECE_BYTES as u64;
        let size = usize::try_from(self.length.saturating_sub(before)).unwrap_or(usize::MAX).min(PIECE_BYTES);
        let mut sealed = vec![0; size + SEAL_OVERHEAD_BYTES];
        self.file.read_exact_at(&mut sealed, index * SEALED_BYTES as u64)?;
        let bytes = self.key.open(&place(self.n, is_last), index, &sealed).map_err(|_| damaged())?;
        let bytes = Arc::new(bytes);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.truncate(KEPT_OPEN - 1);
        open.push_front((index, Arc::clone(&bytes)));
        Ok(bytes)
    }
}

impl Read for SealedFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.length || into.is_empty() {
            return Ok(0);
        }
        let (index, within) = (self.at / PIECE_BYTES as u64, (self.at % PIECE_BYTES as u64) as usize);
        let piece = self.piece(index)?;
        let rest = piece.get(within..).unwrap_or_default();
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for SealedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = place.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "before the beginning"))?;
        Ok(self.at)
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is damaged")
}
