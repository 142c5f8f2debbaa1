//! `[jobs]`: work that goes on after the answer.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ConfigError, not_allowed};

/// Jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobsConfig {
    /// Days a job that is over can be looked at.
    pub keep_days: u32,
    /// Where uploads wait; empty for a place in the data directory.
    pub spool_dir: PathBuf,
}

impl Default for JobsConfig {
    fn default() -> Self {
        Self { keep_days: 30, spool_dir: PathBuf::new() }
    }
}

impl JobsConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if !(1..=3_650).contains(&self.keep_days) {
            return Err(not_allowed("jobs.keep_days", self.keep_days, "must be 1 to 3650"));
        }
        Ok(())
    }

    /// How long a job that is over can be looked at.
    pub const fn keep(&self) -> Duration {
        Duration::from_secs(self.keep_days as u64 * 24 * 3_600)
    }

    /// Where uploads wait.
    pub fn spool(&self, data_dir: &Path) -> PathBuf {
        if self.spool_dir.as_os_str().is_empty() { data_dir.join("spool") } else { self.spool_dir.clone() }
    }
}
