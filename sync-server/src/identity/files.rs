//! Secret files: written whole or not at all, readable by the server's user only.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::IdentityError;

/// Makes a directory, with those above it, that only the server's user may enter.
///
/// # Errors
/// [`IdentityError::File`].
pub fn make_private_dir(dir: &Path) -> Result<(), IdentityError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed("make", dir))
}

/// The file's text, `None` if there is no such file.
///
/// # Errors
/// [`IdentityError::File`].
pub fn read(path: &Path) -> Result<Option<String>, IdentityError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed("read", path)(e)),
    }
}

/// Writes a file with mode 0600: beside it, flushed, then moved into place, so that a power cut leaves the old
/// or the new one.
///
/// # Errors
/// [`IdentityError::File`].
pub fn write_secret(path: &Path, text: &str) -> Result<(), IdentityError> {
    write_with_mode(path, text, 0o600)
}

/// The same for what everybody may read.
///
/// # Errors
/// [`IdentityError::File`].
pub fn write_public(path: &Path, text: &str) -> Result<(), IdentityError> {
    write_with_mode(path, text, 0o644)
}

fn write_with_mode(path: &Path, text: &str, mode: u32) -> Result<(), IdentityError> {
    let beside = path.with_extension("new");
    write_flushed(&beside, text, mode).map_err(failed("write", &beside))?;
    fs::rename(&beside, path).map_err(failed("write", path))?;
    let Some(dir) = path.parent() else { return Ok(()) };
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed("flush", dir))
}

fn write_flushed(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    // A left-over of a crash may have another mode; a new file never has.
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> IdentityError {
    let path = path.to_owned();
    move |source| IdentityError::File { doing, path, source }
}
