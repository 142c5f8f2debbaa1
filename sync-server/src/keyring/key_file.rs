//! A master key in a file. While it is changed, the key that is to follow lies beside it as `<file>.next`; the former
//! one stays as `<file>.former`.

use std::fs;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use crate::ports::rotation::{HeldKeys, MasterKeySource};
use crate::sealing::{MasterKey, MasterKeyError};

/// A file that only its owner may read.
pub struct KeyFile {
    path: PathBuf,
    /// Whether the server may make the first key there.
    own: bool,
}

impl KeyFile {
    /// The server's own.
    #[must_use]
    pub const fn own(path: PathBuf) -> Self {
        Self { path, own: true }
    }

    /// One that the admin put there.
    #[must_use]
    pub const fn of_the_admin(path: PathBuf) -> Self {
        Self { path, own: false }
    }

    fn beside(&self, what: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".");
        name.push(what);
        PathBuf::from(name)
    }

    fn next(&self) -> PathBuf {
        self.beside("next")
    }
}

/// Moves a file into place and has the directory flushed.
fn put(from: &Path, to: &Path) -> Result<(), MasterKeyError> {
    let failed = |source| MasterKeyError::Read { path: to.to_owned(), source };
    fs::rename(from, to).map_err(failed)?;
    let Some(dir) = to.parent() else { return Ok(()) };
    fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)
}

#[async_trait]
impl MasterKeySource for KeyFile {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    async fn read(&self) -> Result<Option<HeldKeys>, MasterKeyError> {
        let present = MasterKey::read(&self.path, true)?;
        let next = MasterKey::read(&self.next(), true)?;
        Ok(present.map(|present| HeldKeys { present, next }))
    }

    async fn create(&self) -> Result<MasterKey, MasterKeyError> {
        if !self.own {
            return Err(MasterKeyError::ByHand(format!(
                "there is no master key {}; `openssl rand -hex 32` makes one",
                self.path.display()
            )));
        }
        let key = MasterKey::generate();
        key.write(&self.path)?;
        Ok(key)
    }

    async fn prepare(&self) -> Result<MasterKey, MasterKeyError> {
        let key = MasterKey::generate();
        key.write(&self.next())?;
        Ok(key)
    }

    async fn settle(&self) -> Result<String, MasterKeyError> {
        let former = self.beside("former");
        let Some(held) = self.read().await? else { return Ok(String::new()) };
        let Some(next) = held.next else { return Ok(format!("in {}", former.display())) };
        if next.fingerprint() != held.present.fingerprint() {
            held.present.write(&former)?;
        }
        put(&self.next(), &self.path)?;
        Ok(format!("in {}", former.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keys_change_places_and_none_is_ever_missing() {
        let dir = tempfile::tempdir().unwrap();
        let file = KeyFile::own(dir.path().join("master.key"));
        assert!(file.read().await.unwrap().is_none());
        let first = file.create().await.unwrap();
        let next = file.prepare().await.unwrap();
        let held = file.read().await.unwrap().unwrap();
        assert_eq!(held.present.fingerprint(), first.fingerprint());
        assert_eq!(held.next.unwrap().fingerprint(), next.fingerprint());
        for _ in 0..2 {
            assert!(file.settle().await.unwrap().ends_with("master.key.former"));
            let held = file.read().await.unwrap().unwrap();
            assert_eq!((held.present.fingerprint(), held.next.is_none()), (next.fingerprint(), true));
        }
        let former = MasterKey::read(&dir.path().join("master.key.former"), true).unwrap().unwrap();
        assert_eq!(former.fingerprint(), first.fingerprint());
        let admin = KeyFile::of_the_admin(dir.path().join("other.key"));
        assert!(matches!(admin.create().await, Err(MasterKeyError::ByHand(_))));
    }
}
