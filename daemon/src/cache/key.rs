//! The key that seals the cache: a systemd credential, a file of the admin's, or one made at the first start.

use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ostiary_common::seal::SealKey;
use zeroize::Zeroizing;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file system refused.
    #[error("key file {path}: {cause}")]
    Files {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// Not 64 hexadecimal digits.
    #[error("key file {0} does not hold 64 hexadecimal digits; make one with `openssl rand -hex 32`")]
    Malformed(PathBuf),
    /// Others may read it.
    #[error("key file {path} can be read by others (mode {mode:o}); run `chmod 600 {path}`")]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
}

/// The key for the cache. `configured` wins, then `$CREDENTIALS_DIRECTORY/ostiaryd.key`, then `cache.key` in
/// `state_dir`, which is made if it is not there; the others are never made.
///
/// # Errors
/// [`KeyError`] names the file and what to do.
pub fn load_or_make(configured: Option<&Path>, state_dir: &Path) -> Result<SealKey, KeyError> {
    if let Some(path) = configured {
        refuse_if_open(path)?;
        return read(path);
    }
    let credential = std::env::var_os("CREDENTIALS_DIRECTORY").map(|dir| Path::new(&dir).join("ostiaryd.key"));
    if let Some(path) = credential.filter(|path| path.exists()) {
        return read(&path);
    }
    let path = state_dir.join("cache.key");
    if path.exists() {
        refuse_if_open(&path)?;
        match read(&path) {
            // A power cut can leave an empty or short file behind; the cache sealed with it is lost either way.
            Err(KeyError::Malformed(_)) => {
                tracing::warn!(path = %path.display(), "key file is damaged, making a new one")
            }
            other => return other,
        }
    }
    make(&path)
}

fn refuse_if_open(path: &Path) -> Result<(), KeyError> {
    let mode = std::fs::metadata(path).map_err(|e| files(path, e))?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeyError::Open { path: path.to_owned(), mode }) }
}

fn read(path: &Path) -> Result<SealKey, KeyError> {
    let text = Zeroizing::new(std::fs::read(path).map_err(|e| files(path, e))?);
    let mut bytes = Zeroizing::new([0_u8; 32]);
    hex::decode_to_slice(text.trim_ascii(), bytes.as_mut()).map_err(|_| KeyError::Malformed(path.to_owned()))?;
    Ok(SealKey::from_bytes(*bytes))
}

fn make(path: &Path) -> Result<SealKey, KeyError> {
    let key = SealKey::generate();
    let text = Zeroizing::new(hex::encode(key.expose()));
    let temporary = path.with_extension("key.new");
    let write = || -> std::io::Result<()> {
        let _ = std::fs::remove_file(&temporary);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        std::fs::File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
    };
    write().map_err(|e| files(path, e))?;
    Ok(key)
}

fn files(path: &Path, cause: std::io::Error) -> KeyError {
    KeyError::Files { path: path.to_owned(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_once_private_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let first = load_or_make(None, dir.path()).unwrap();
        let again = load_or_make(None, dir.path()).unwrap();
        assert_eq!(first.expose(), again.expose());
        let path = dir.path().join("cache.key");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(load_or_make(None, dir.path()).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn a_damaged_own_key_is_replaced_but_a_configured_one_never() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache.key");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(load_or_make(Some(&path), dir.path()), Err(KeyError::Malformed(_))));
        assert!(load_or_make(None, dir.path()).is_ok());
        assert!(matches!(load_or_make(Some(Path::new("/nowhere")), dir.path()), Err(KeyError::Files { .. })));
    }
}
