//! `[broker]`: the MQTT broker, embedded or somebody else's.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::{ConfigError, not_allowed};

/// Which broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BrokerMode {
    /// In this process.
    #[default]
    Embedded,
    /// Elsewhere.
    External,
}

/// The MQTT broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BrokerConfig {
    /// Embedded or external.
    pub mode: BrokerMode,
    /// Where the embedded one listens.
    pub listen: SocketAddr,
    /// What devices are told; empty for the obvious.
    pub public_url: String,
    /// The external one's address.
    pub external_url: String,
    /// User name there.
    pub external_username: String,
    /// File with the password.
    pub external_password_file: String,
    /// CA of the external one, PEM; empty for our own.
    pub external_ca_file: String,
    /// Client certificate, PEM.
    pub external_certificate_file: String,
    /// Its key, PEM.
    pub external_key_file: String,
    /// Group of servers that share the work; empty for none.
    pub external_share_group: String,
    /// Most devices at once.
    pub max_connections: u32,
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            mode: BrokerMode::Embedded,
            listen: SocketAddr::from(([0, 0, 0, 0], 8883)),
            public_url: String::new(),
            external_url: String::new(),
            external_username: String::new(),
            external_password_file: String::new(),
            external_ca_file: String::new(),
            external_certificate_file: String::new(),
            external_key_file: String::new(),
            external_share_group: String::new(),
            max_connections: 20_000,
        }
    }
}

impl BrokerConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let is_url = |url: &str| split_url(url).is_some();
        if !self.public_url.is_empty() && !is_url(&self.public_url) {
            return Err(not_allowed("broker.public_url", &self.public_url, "must be mqtts://host:port"));
        }
        if self.mode == BrokerMode::External && !is_url(&self.external_url) {
            return Err(not_allowed("broker.external_url", &self.external_url, "must be mqtts://host:port"));
        }
        if self.external_certificate_file.is_empty() != self.external_key_file.is_empty() {
            let allowed = "must be set together with broker.external_certificate_file, or neither";
            return Err(not_allowed("broker.external_key_file", &self.external_key_file, allowed));
        }
        if !(1..=1_000_000).contains(&self.max_connections) {
            return Err(not_allowed("broker.max_connections", self.max_connections, "must be 1 to 1000000"));
        }
        Ok(())
    }

    /// Host and port of the external broker.
    pub fn external_host_port(&self) -> Option<(&str, u16)> {
        split_url(&self.external_url)
    }
}

/// `mqtts://host:port` in parts.
fn split_url(url: &str) -> Option<(&str, u16)> {
    let (host, port) = url.strip_prefix("mqtts://")?.trim_end_matches('/').rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    (!host.is_empty()).then_some((host, port.parse().ok()?))
}
