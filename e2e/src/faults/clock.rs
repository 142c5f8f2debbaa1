//! A wall clock that can be set while a program runs, by way of libfaketime. The monotonic clock is left true, as
//! it is where a wall clock is set.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Below `/usr/lib`, after the machine's own folder.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// A clock of one program.
#[derive(Debug)]
pub struct Clock {
    file: PathBuf,
    library: PathBuf,
}

impl Clock {
    /// Where the library lies; `None` if it is not installed (Debian: `faketime`).
    pub fn library() -> Option<PathBuf> {
        let folders = fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path());
        folders.map(|folder| folder.join(LIBRARY)).find(|library| library.is_file())
    }

    /// A true clock, told by `file`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn new(library: &Path, file: PathBuf) -> Result<Self> {
        let clock = Self { file, library: library.to_owned() };
        clock.set(0)?;
        Ok(clock)
    }

    /// Sets it `offset_s` seconds off the truth; the program sees it within a second.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn set(&self, offset_s: i64) -> Result<()> {
        // Moved into place: a program may read at any moment.
        let beside = self.file.with_extension("new");
        fs::write(&beside, format!("{offset_s:+}\n")).context("writing the clock")?;
        fs::rename(&beside, &self.file).context("setting the clock")
    }

    /// What makes a program look at it.
    pub fn env(&self) -> Vec<(String, String)> {
        let (library, file) = (self.library.display().to_string(), self.file.display().to_string());
        [
            ("LD_PRELOAD", library.as_str()),
            ("FAKETIME_TIMESTAMP_FILE", &file),
            ("FAKETIME_CACHE_DURATION", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("NO_FAKE_STAT", "1"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec()
    }
}
