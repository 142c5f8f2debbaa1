//! `[store]`: the database.

use std::fmt::{self, Debug, Formatter};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{ConfigError, not_allowed};

/// The systemd credential that holds the master key.
const CREDENTIAL: &str = "ostiary-server.master";

/// The environment variable that holds the master key.
pub const MASTER_KEY_ENV: &str = "OSTIARY_MASTER_KEY";
/// The environment variable that holds the one that is to follow.
pub const NEXT_MASTER_KEY_ENV: &str = "OSTIARY_MASTER_KEY_NEXT";

/// Where the master key lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MasterKeyPlace {
    /// A file of the admin's.
    Configured(PathBuf),
    /// The environment.
    Environment,
    /// A systemd credential.
    Credential(PathBuf),
    /// The server's own file, made at the first start.
    OwnFile(PathBuf),
}

/// The database.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// `sqlite:<path>` or `postgres://…`; empty for the file in the data directory.
    pub url: String,
    /// Most connections to a PostgreSQL server.
    pub max_connections: u32,
    /// The file with the master key, 64 hexadecimal digits. Empty: the environment variable `OSTIARY_MASTER_KEY`, the
    /// systemd credential `ostiary-server.master`, or `master.key` in the data directory.
    pub master_key_file: String,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { url: String::new(), max_connections: 20, master_key_file: String::new() }
    }
}

impl Debug for StoreConfig {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreConfig")
            .field("url", &format_args!("{}:…", self.kind()))
            .field("max_connections", &self.max_connections)
            .field("master_key_file", &self.master_key_file)
            .finish()
    }
}

impl StoreConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        // The value may hold a password; only its kind is shown.
        let kind = self.kind();
        let names_something = |scheme: &str| self.url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty());
        let known = ["sqlite:", "postgres://", "postgresql://"].into_iter().any(names_something);
        if !self.url.is_empty() && !known {
            return Err(not_allowed("store.url", kind, "must be sqlite:<path>, postgres://… or empty"));
        }
        if !(2..=1_000).contains(&self.max_connections) {
            return Err(not_allowed("store.max_connections", self.max_connections, "must be 2 to 1000"));
        }
        Ok(())
    }

    /// Whether it is a PostgreSQL server.
    pub fn is_postgres(&self) -> bool {
        matches!(self.kind(), "postgres" | "postgresql")
    }

    fn kind(&self) -> &str {
        self.url.split(':').next().unwrap_or_default()
    }

    /// Where the master key is, and whether it may be made there: never outside the data directory.
    pub fn master_key(&self, data_dir: &Path) -> MasterKeyPlace {
        if !self.master_key_file.is_empty() {
            return MasterKeyPlace::Configured(PathBuf::from(&self.master_key_file));
        }
        if std::env::var_os(MASTER_KEY_ENV).is_some() {
            return MasterKeyPlace::Environment;
        }
        let credential = std::env::var_os("CREDENTIALS_DIRECTORY").map(|dir| Path::new(&dir).join(CREDENTIAL));
        match credential.filter(|path| path.exists()) {
            Some(path) => MasterKeyPlace::Credential(path),
            None => MasterKeyPlace::OwnFile(data_dir.join("master.key")),
        }
    }

    /// The address of the store. It may hold a password: not to be shown.
    pub fn location(&self, data_dir: &Path) -> String {
        if self.url.is_empty() {
            format!("sqlite:{}", data_dir.join("ostiary.sqlite").display())
        } else {
            self.url.clone()
        }
    }
}
