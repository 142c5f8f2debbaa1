//! Where segments lie: files in a folder, or memory where no folder takes writes.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::io::ErrorKind::{QuotaExceeded, StorageFull};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A flat folder of files. What was written stays over a power cut only after `sync` of the file, and for new, renamed
/// and removed names after [`Volume::sync_names`].
pub trait Volume: Send + Sync {
    /// Every file's name.
    fn names(&self) -> io::Result<Vec<String>>;
    /// An existing file; for reading at least.
    fn open(&self, name: &str) -> io::Result<Box<dyn SegmentFile>>;
    /// A new, empty file.
    fn create(&self, name: &str) -> io::Result<Box<dyn SegmentFile>>;
    /// Puts a file in the place of another.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes names durable.
    fn sync_names(&self) -> io::Result<()>;
}

/// An open file.
pub trait SegmentFile: Send {
    /// Its length, bytes.
    fn length(&self) -> io::Result<u64>;
    /// Fills `bytes` from `at`.
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()>;
    /// Writes all of `bytes` at `at`; the file grows if need be.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;
    /// Cuts the file.
    fn cut(&self, length: u64) -> io::Result<()>;
    /// Makes what was written durable.
    fn sync(&self) -> io::Result<()>;
}

/// Made and removed to see whether the disk takes writes.
const PROBE: &str = "probe";

/// A folder on disk.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes the folder if it is not there, readable by this user only.
    pub fn open(path: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        if let Some(parent) = path.parent() {
            File::open(parent)?.sync_all()?;
        }
        let folder = Self(path.to_owned());
        match folder.create(PROBE) {
            // A full disk gets room again, and what is on it can be sent meanwhile.
            Err(error) if !matches!(error.kind(), StorageFull | QuotaExceeded) => return Err(error),
            _ => drop(folder.remove(PROBE)),
        }
        Ok(folder)
    }
}

impl Volume for Folder {
    fn names(&self) -> io::Result<Vec<String>> {
        fs::read_dir(&self.0)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn SegmentFile>> {
        let path = self.0.join(name);
        let file = OpenOptions::new().read(true).write(true).open(&path);
        // What cannot be written can still be sent to the server.
        Ok(Box::new(file.or_else(|_| File::open(&path))?))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn SegmentFile>> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(true).mode(0o600).open(self.0.join(name))?;
        Ok(Box::new(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}

impl SegmentFile for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.read_exact_at(bytes, at)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.write_all_at(bytes, at)
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

type Content = Arc<Mutex<Vec<u8>>>;

/// Files in memory; gone with the program.
#[derive(Default)]
pub struct Memory(Mutex<BTreeMap<String, Content>>);

struct MemoryFile(Content);

impl Volume for Memory {
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(held(&self.0).keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn SegmentFile>> {
        let content = held(&self.0).get(name).cloned().ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(MemoryFile(content)))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn SegmentFile>> {
        let content = Content::default();
        held(&self.0).insert(name.to_owned(), Arc::clone(&content));
        Ok(Box::new(MemoryFile(content)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = held(&self.0);
        let content = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), content);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        held(&self.0).remove(name).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync_names(&self) -> io::Result<()> {
        Ok(())
    }
}

impl SegmentFile for MemoryFile {
    fn length(&self) -> io::Result<u64> {
        Ok(held(&self.0).len() as u64)
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        let content = held(&self.0);
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let part = content.get(at..at.saturating_add(bytes.len())).ok_or(io::ErrorKind::UnexpectedEof)?;
        bytes.copy_from_slice(part);
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut content = held(&self.0);
        let at = usize::try_from(at).map_err(io::Error::other)?;
        let end = at + bytes.len();
        if content.len() < end {
            content.resize(end, 0);
        }
        content[at..end].copy_from_slice(bytes);
        Ok(())
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        held(&self.0).resize(usize::try_from(length).map_err(io::Error::other)?, 0);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

fn held<T>(lock: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Nothing in here stops half-way.
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
