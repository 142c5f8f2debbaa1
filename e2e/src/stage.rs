//! A stage: a folder of its own in which one server and its daemons play, and from which the logs are shown
//! if the play goes wrong.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::process::tail;
use crate::tls;

/// Plays that may run at once: each keeps about one core busy.
static PLACES: Semaphore = Semaphore::const_new(2);

/// Lines of each log shown when a play fails.
const LINES_SHOWN: usize = 60;

/// The folder of one play.
#[derive(Debug)]
pub struct Stage {
    folder: TempDir,
    _place: SemaphorePermit<'static>,
}

impl Stage {
    /// Waits for a place and makes the folder.
    ///
    /// # Errors
    /// If no folder can be made.
    pub async fn open() -> Result<Self> {
        tls::install_provider();
        let place = PLACES.acquire().await.context("the places are never closed")?;
        let folder = tempfile::Builder::new().prefix("ostiary-").tempdir().context("making a folder")?;
        Ok(Self { folder, _place: place })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A place in the folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Where a program logs.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        self.file(&format!("{name}.log"))
    }

    /// Leaves the folder there, and says where.
    #[must_use]
    pub fn keep(self) -> PathBuf {
        self.folder.keep()
    }

    /// The end of every log.
    #[must_use]
    pub fn logs(&self) -> String {
        let entries = fs::read_dir(self.path()).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut logs: Vec<_> = entries.filter(|path| path.extension().is_some_and(|kind| kind == "log")).collect();
        logs.sort();
        logs.iter().map(|log| tail(log, LINES_SHOWN)).collect()
    }
}

/// Plays a scenario; if it fails, shows the logs and panics, as a test must. With `OSTIARY_E2E_KEEP` set the
/// folder stays.
///
/// # Panics
/// If the scenario fails.
pub async fn scenario(name: &str, play: impl AsyncFnOnce(&Stage) -> Result<()>) {
    let stage = Stage::open().await.expect("a stage can be opened");
    let Err(error) = play(&stage).await else { return };
    eprintln!("{}", stage.logs());
    if env::var_os("OSTIARY_E2E_KEEP").is_some() {
        eprintln!("kept: {}", stage.keep().display());
    }
    panic!("{name}: {error:?}");
}

/// The folder of the default model pack.
#[must_use]
pub fn pack_dir() -> PathBuf {
    workspace().join("models/packs/ostiary-default")
}

/// The workspace's root.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("e2e lies directly below the workspace root")
}
