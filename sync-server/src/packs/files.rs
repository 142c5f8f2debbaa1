//! Packs of the store as folders: unpacked when they are first needed, signature and digests compared once more.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ostiary_common::ids::PackId;
use ostiary_models::pack::archive::Archive;
use ostiary_models::pack::{Pack, PackError};

use super::keys::TrustedKeys;
use crate::ports::StoreError;
use crate::ports::model_packs::ModelPackStore;

/// Below the data directory.
pub const FOLDER: &str = "model-packs";
/// Bytes read of the store at once.
const AT_ONCE: usize = 1024 * 1024;

/// Why there is no folder of a pack.
#[derive(Debug, thiserror::Error)]
pub enum PackFilesError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody knows it, or nobody has its files.
    #[error("the files of {0} are not here")]
    NotHere(PackId),
    /// What is there cannot be used.
    #[error("the files of the pack cannot be used: {0}")]
    Unusable(String),
}

/// Where packs lie.
pub struct PackFiles {
    /// What is known of them.
    pub store: Arc<dyn ModelPackStore>,
    /// The pack of the configuration.
    pub own: (PackId, PathBuf),
    /// Where others are unpacked.
    pub dir: PathBuf,
}

impl PackFiles {
    /// A pack's folder, loaded: its files are the ones its manifest names.
    ///
    /// # Errors
    /// [`PackFilesError`].
    pub async fn pack(&self, id: &PackId) -> Result<Pack, PackFilesError> {
        if *id == self.own.0 {
            return load(&self.own.1).map_err(|error| PackFilesError::Unusable(error.to_string()));
        }
        let dir = self.dir.join(id.as_str());
        if let Ok(pack) = load(&dir)
            && pack.id() == id
        {
            return Ok(pack);
        }
        self.fetch(id, &dir).await?;
        load(&dir).map_err(|error| PackFilesError::Unusable(error.to_string()))
    }

    /// Removes a pack's folder.
    pub fn forget(&self, id: &PackId) {
        if let Err(error) = fs::remove_dir_all(self.dir.join(id.as_str()))
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the folder of {id} could not be removed: {error}");
        }
    }

    async fn fetch(&self, id: &PackId, dir: &Path) -> Result<(), PackFilesError> {
        let known = self.store.model_pack(id).await?.and_then(|pack| pack.archive);
        let file = known.ok_or_else(|| PackFilesError::NotHere(id.clone()))?;
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < file.size_bytes {
            let part = self.store.pack_bytes(id, bytes.len() as u64, AT_ONCE).await?;
            let part = part.filter(|part| !part.is_empty()).ok_or_else(|| PackFilesError::NotHere(id.clone()))?;
            bytes.extend_from_slice(&part);
        }
        let keys = TrustedKeys::of_pem(&file.key_pem).unwrap_or_default();
        let (root, dir) = (self.dir.clone(), dir.to_owned());
        let unpacked = tokio::task::spawn_blocking(move || unpack(&bytes, &keys, &root, &dir)).await;
        unpacked.map_err(|error| PackFilesError::Unusable(error.to_string()))?.map_err(PackFilesError::Unusable)
    }
}

fn load(dir: &Path) -> Result<Pack, PackError> {
    Pack::load(dir)
}

/// Unpacks beside the place and moves it there as a whole.
fn unpack(bytes: &[u8], keys: &TrustedKeys, root: &Path, dir: &Path) -> Result<(), String> {
    fs::create_dir_all(root).map_err(|error| error.to_string())?;
    let fresh = tempfile::Builder::new().prefix(".new-").tempdir_in(root).map_err(|error| error.to_string())?;
    let archive = Archive::open(bytes, u64::MAX, |message, signature| keys.signer(message, signature).is_some());
    archive.and_then(|archive| archive.unpack(fresh.path())).map_err(|error| error.to_string())?;
    let _ = fs::remove_dir_all(dir);
    fs::rename(fresh.keep(), dir).map_err(|error| error.to_string())
}
