//! Fetching an archive from the server, going on where an earlier attempt broke off.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use ostiary_common::ids::PackId;
use ostiary_common::wire::PackArchive;

use super::FOLDER;
use crate::clock::SystemClock;
use crate::identity::{ApiError, Renewer};

/// Why an archive is not here yet.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The server did not give it, or the connection broke; what came is kept.
    #[error(transparent)]
    Server(#[from] ApiError),
    /// The disk refuses.
    #[error("the disk does not take the pack: {0}")]
    Disk(#[from] std::io::Error),
    /// More comes than the server named.
    #[error("the server sends more than it named")]
    TooLong,
}

/// Where an archive is gathered; its name says which, so that parts of two are never put together.
#[must_use]
pub fn part_of(state_dir: &Path, archive: &PackArchive) -> PathBuf {
    let name: String = archive.sha256.chars().filter(char::is_ascii_hexdigit).take(64).collect();
    state_dir.join(FOLDER).join(format!("{name}.part"))
}

/// Fetches what is missing of an archive; the whole file when it returns.
///
/// # Errors
/// [`FetchError`]; what came until then is kept, and the next attempt goes on behind it.
pub async fn fetch(
    renewer: &Renewer,
    clock: &SystemClock,
    state_dir: &Path,
    id: &PackId,
    archive: &PackArchive,
) -> Result<PathBuf, FetchError> {
    let path = part_of(state_dir, archive);
    fs::create_dir_all(state_dir.join(FOLDER))?;
    forget_others(state_dir, &path);
    let mut have = fs::metadata(&path).map_or(0, |meta| meta.len());
    if have > archive.size_bytes {
        fs::remove_file(&path)?;
        have = 0;
    }
    if have == archive.size_bytes && have > 0 {
        return Ok(path);
    }
    let (mut answer, is_rest) = renewer.pack(clock, id, have).await?;
    let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
    if !is_rest {
        // The server sends it from its beginning.
        file.set_len(0)?;
        have = 0;
    }
    while let Some(part) = answer.chunk().await.map_err(|error| ApiError::broken(&error))? {
        have += part.len() as u64;
        if have > archive.size_bytes {
            drop(file);
            fs::remove_file(&path)?;
            return Err(FetchError::TooLong);
        }
        // A few hundred kilobytes into the page cache: not worth a thread of its own.
        file.write_all(&part)?;
    }
    file.sync_all()?;
    if have < archive.size_bytes {
        return Err(ApiError::Malformed("the archive ended early".to_owned()).into());
    }
    Ok(path)
}

/// Parts of archives nobody asks for any more.
fn forget_others(state_dir: &Path, keep: &Path) {
    let entries = fs::read_dir(state_dir.join(FOLDER)).into_iter().flatten().flatten().map(|entry| entry.path());
    for path in entries.filter(|path| path.extension().is_some_and(|it| it == "part") && path != keep) {
        let _ = fs::remove_file(path);
    }
}

/// Throws away what came of an archive.
pub fn discard(state_dir: &Path, archive: &PackArchive) {
    let _ = fs::remove_file(part_of(state_dir, archive));
    let _ = File::open(state_dir.join(FOLDER)).and_then(|dir| dir.sync_all());
}
