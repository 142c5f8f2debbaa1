//! `[notify]`: where notices may be sent.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{ConfigError, not_allowed};

/// Where notices may be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotifyConfig {
    /// Networks that are not public and that webhooks may go to, over HTTP too.
    pub webhook_networks: Vec<IpNet>,
}

impl NotifyConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        match self.webhook_networks.iter().find(|network| network.prefix_len() < 8) {
            Some(network) => Err(not_allowed("notify.webhook_networks", network, "must be networks of /8 or smaller")),
            None => Ok(()),
        }
    }
}
