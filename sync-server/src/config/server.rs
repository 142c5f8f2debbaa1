//! `[server]`: where it lives and listens.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, not_allowed};

/// Where the server lives and listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Database, keys, certificates.
    pub data_dir: PathBuf,
    /// The HTTPS API.
    pub listen: SocketAddr,
    /// Names in the certificate; the first is told to devices.
    pub public_names: Vec<String>,
    /// Seconds requests may take to finish on shutdown.
    pub shutdown_grace_s: u64,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            data_dir: "/var/lib/ostiary-server".into(),
            listen: SocketAddr::from(([0, 0, 0, 0], 8443)),
            public_names: Vec::new(),
            shutdown_grace_s: 5,
        }
    }
}

impl ServerConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.data_dir.as_os_str().is_empty() {
            return Err(not_allowed("server.data_dir", "\"\"", "must be a directory"));
        }
        if self.shutdown_grace_s > 60 {
            return Err(not_allowed("server.shutdown_grace_s", self.shutdown_grace_s, "must be 0 to 60"));
        }
        match self.public_names.iter().find(|name| !is_host(name)) {
            Some(name) => Err(not_allowed(
                "server.public_names",
                name,
                "must be host names or IP addresses, without scheme, port or path",
            )),
            None => Ok(()),
        }
    }
}

fn is_host(name: &str) -> bool {
    let label = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    name.parse::<std::net::IpAddr>().is_ok() || (!name.is_empty() && name.len() <= 253 && name.chars().all(label))
}
