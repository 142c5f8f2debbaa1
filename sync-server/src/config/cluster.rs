//! `[cluster]`: several servers over one database.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{BrokerMode, ConfigError, StoreConfig, not_allowed};
use crate::secret::Secret;

/// The systemd credential that holds the address of Redis.
const CREDENTIAL: &str = "ostiary-server.redis";

/// Several servers over one database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterConfig {
    /// Whether there may be others.
    pub enabled: bool,
    /// What this server is called among them; empty for the machine's name.
    pub name: String,
    /// A file with the address of Redis. Empty: the systemd credential `ostiary-server.redis`, or no Redis.
    pub redis_url_file: String,
}

impl ClusterConfig {
    pub(super) fn validate(&self, store: &StoreConfig, broker: BrokerMode) -> Result<(), ConfigError> {
        if self.name.len() > 64 || self.name.chars().any(char::is_control) {
            return Err(not_allowed("cluster.name", &self.name, "must be up to 64 letters"));
        }
        if self.enabled && !store.is_postgres() {
            let allowed = "needs a database that several servers can share: store.url = \"postgres://…\"";
            return Err(not_allowed("cluster.enabled", true, allowed));
        }
        if self.enabled && broker == BrokerMode::Embedded {
            let allowed = "needs a broker that all servers share: broker.mode = \"external\"";
            return Err(not_allowed("cluster.enabled", true, allowed));
        }
        Ok(())
    }

    /// What this server is called.
    #[must_use]
    pub fn shown_name(&self) -> String {
        if !self.name.is_empty() {
            return self.name.clone();
        }
        let node = rustix::system::uname().nodename().to_string_lossy().into_owned();
        if node.is_empty() { "server".to_owned() } else { node }
    }

    /// The address of Redis, if there is one. It may hold a password.
    ///
    /// # Errors
    /// [`ConfigError::NotAllowed`] if the file cannot be read or holds no address.
    pub fn redis_url(&self) -> Result<Option<Secret>, ConfigError> {
        let credential = || Some(Path::new(&std::env::var_os("CREDENTIALS_DIRECTORY")?).join(CREDENTIAL));
        let path = match self.redis_url_file.as_str() {
            "" => credential().filter(|path| path.exists()),
            file => Some(PathBuf::from(file)),
        };
        let Some(path) = path else { return Ok(None) };
        let refused = |allowed| not_allowed("cluster.redis_url_file", path.display(), allowed);
        let text = fs::read_to_string(&path).map_err(|_| refused("cannot be read"))?;
        let url = text.trim();
        let known = ["redis://", "rediss://"].iter().any(|scheme| url.starts_with(scheme));
        if !known {
            return Err(refused("must hold redis://[user:password@]host[:port][/number] or rediss://…"));
        }
        Ok(Some(Secret::new(url)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_redis_is_read_from_a_file_and_not_shown() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("redis");
        let check = |text: &str, expected: Option<&str>| {
            fs::write(&file, text).unwrap();
            let config = ClusterConfig { redis_url_file: file.display().to_string(), ..ClusterConfig::default() };
            match (config.redis_url(), expected) {
                (Ok(Some(url)), Some(expected)) => assert_eq!(url.expose(), expected),
                (Err(error), None) => assert!(!error.to_string().contains("hunter2"), "{error}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        };
        check("redis://:hunter2@db:6379/1\n", Some("redis://:hunter2@db:6379/1"));
        check("rediss://db", Some("rediss://db"));
        check("http://:hunter2@db", None);
        check("", None);
        assert!(ClusterConfig::default().redis_url().unwrap().is_none());
    }
}
