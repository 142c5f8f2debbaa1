//! `[backup]`: nightly backups.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, not_allowed};

/// Nightly backups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackupConfig {
    /// Where they are put; empty for none.
    pub dir: PathBuf,
    /// Public keys of age that can open them.
    pub recipients: Vec<String>,
    /// When, as `02:30`, UTC.
    pub at: String,
    /// How many are kept.
    pub keep: usize,
}

impl Default for BackupConfig {
    fn default() -> Self {
        Self { dir: PathBuf::new(), recipients: Vec::new(), at: "02:30".into(), keep: 7 }
    }
}

impl BackupConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.minute_of_day().is_none() {
            return Err(not_allowed("backup.at", &self.at, "must be a time of day like 02:30"));
        }
        if !(1..=1_000).contains(&self.keep) {
            return Err(not_allowed("backup.keep", self.keep, "must be 1 to 1000"));
        }
        if self.is_on() && self.recipients.is_empty() {
            return Err(not_allowed("backup.recipients", "[]", "must name who can open backups (age1…)"));
        }
        match self.recipients.iter().find(|key| !key.starts_with("age1")) {
            Some(key) => Err(not_allowed("backup.recipients", key, "must be public keys of age (age1…)")),
            None => Ok(()),
        }
    }

    /// Whether there are any.
    pub fn is_on(&self) -> bool {
        !self.dir.as_os_str().is_empty()
    }

    /// The minute of the day, UTC, 0 to 1439.
    pub fn minute_of_day(&self) -> Option<u32> {
        let (hour, minute) = self.at.split_once(':')?;
        let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    }
}
