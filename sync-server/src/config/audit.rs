//! `[audit]`: how long who did what is kept.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ConfigError, not_allowed};

const DAY_S: u64 = 24 * 60 * 60;

/// How long who did what is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditConfig {
    /// Days after which lines are cut off the audit log; 0 keeps them for good.
    pub keep_days: u32,
}

impl AuditConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        match self.keep_days {
            0 | 30..=36_500 => Ok(()),
            other => Err(not_allowed("audit.keep_days", other, "must be 0, or 30 to 36500")),
        }
    }

    /// How long lines are kept; `None` for good.
    pub fn keep(&self) -> Option<Duration> {
        (self.keep_days > 0).then(|| Duration::from_secs(u64::from(self.keep_days) * DAY_S))
    }
}
