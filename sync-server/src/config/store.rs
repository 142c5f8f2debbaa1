//! `[store]`: the database.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{ConfigError, not_allowed};

/// The systemd credential that holds the master key.
const CREDENTIAL: &str = "ostiary-server.master";

/// Where the master key lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MasterKeyPlace {
    /// A file of the admin's.
    Configured(PathBuf),
    /// A systemd credential.
    Credential(PathBuf),
    /// The server's own file, made at the first start.
    OwnFile(PathBuf),
}

/// The database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// `sqlite:<path>`; empty for the file in the data directory.
    pub url: String,
    /// The file with the master key, 64 hexadecimal digits. Empty: the systemd credential `ostiary-server.master`, or
    /// `master.key` in the data directory.
    pub master_key_file: String,
}

impl StoreConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let known = self.url.is_empty() || self.url.strip_prefix("sqlite:").is_some_and(|path| !path.is_empty());
        // The value may hold a password one day; only its kind is shown.
        let kind = self.url.split(':').next().unwrap_or_default();
        if known { Ok(()) } else { Err(not_allowed("store.url", kind, "must be sqlite:<path> or empty")) }
    }

    /// Where the master key is, and whether it may be made there: never outside the data directory.
    pub fn master_key(&self, data_dir: &Path) -> MasterKeyPlace {
        if !self.master_key_file.is_empty() {
            return MasterKeyPlace::Configured(PathBuf::from(&self.master_key_file));
        }
        let credential = std::env::var_os("CREDENTIALS_DIRECTORY").map(|dir| Path::new(&dir).join(CREDENTIAL));
        match credential.filter(|path| path.exists()) {
            Some(path) => MasterKeyPlace::Credential(path),
            None => MasterKeyPlace::OwnFile(data_dir.join("master.key")),
        }
    }

    /// The SQLite file.
    pub fn sqlite_path(&self, data_dir: &Path) -> PathBuf {
        let path = self.url.strip_prefix("sqlite:").map(|path| path.trim_start_matches("//"));
        path.map_or_else(|| data_dir.join("ostiary.sqlite"), PathBuf::from)
    }
}
