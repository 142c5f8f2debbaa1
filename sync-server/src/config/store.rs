//! `[store]`: the database.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{ConfigError, not_allowed};

/// The database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// `sqlite:<path>`; empty for the file in the data directory.
    pub url: String,
}

impl StoreConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let known = self.url.is_empty() || self.url.strip_prefix("sqlite:").is_some_and(|path| !path.is_empty());
        // The value may hold a password one day; only its kind is shown.
        let kind = self.url.split(':').next().unwrap_or_default();
        if known { Ok(()) } else { Err(not_allowed("store.url", kind, "must be sqlite:<path> or empty")) }
    }

    /// The SQLite file.
    pub fn sqlite_path(&self, data_dir: &Path) -> PathBuf {
        let path = self.url.strip_prefix("sqlite:").map(|path| path.trim_start_matches("//"));
        path.map_or_else(|| data_dir.join("ostiary.sqlite"), PathBuf::from)
    }
}
