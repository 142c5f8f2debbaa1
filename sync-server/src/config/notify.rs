//! `[notify]`: where notices may be sent.

use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{ConfigError, not_allowed};

/// Where notices may be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotifyConfig {
    /// Networks that are not public and that webhooks may go to, over HTTP too.
    pub webhook_networks: Vec<IpNet>,
    /// File with the key that signs messages to browsers; empty: `push.key` in the data directory, if it is there.
    pub push_key_file: String,
    /// Whom makers of browsers may write to about our messages, `mailto:` or `https:`; empty: the server's own address.
    pub push_contact: String,
}

impl NotifyConfig {
    /// Where the key that signs messages to browsers lies.
    #[must_use]
    pub fn push_key_path(&self, data_dir: &Path) -> PathBuf {
        if self.push_key_file.is_empty() { data_dir.join("push.key") } else { PathBuf::from(&self.push_key_file) }
    }

    /// Whom makers of browsers may write to.
    #[must_use]
    pub fn push_contact(&self, public_url: &str) -> String {
        match (self.push_contact.as_str(), public_url) {
            ("", "") => "mailto:postmaster@localhost".into(),
            ("", url) => url.into(),
            (contact, _) => contact.into(),
        }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let schemes = ["mailto:", "https://"];
        if !self.push_contact.is_empty() && !schemes.iter().any(|scheme| self.push_contact.starts_with(scheme)) {
            return Err(not_allowed("notify.push_contact", &self.push_contact, "must begin with mailto: or https://"));
        }
        match self.webhook_networks.iter().find(|network| network.prefix_len() < 8) {
            Some(network) => Err(not_allowed("notify.webhook_networks", network, "must be networks of /8 or smaller")),
            None => Ok(()),
        }
    }
}
