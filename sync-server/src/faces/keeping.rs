//! How long unknown visitors are kept.

use std::time::Duration;

use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::ports::{SettingsStore, StoreError};

/// The document's name in the store.
pub const NAME: &str = "unknowns";
/// Days if nobody chose others: long enough to see who comes back every week.
pub const DEFAULT_DAYS: u16 = 7;
/// Most days.
pub const MOST_DAYS: u16 = 365;

/// How unknown visitors are dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Keeping {
    /// Days after which a visit's face and picture are forgotten; 0 at once, so that nobody is put together.
    pub keep_days: u16,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { keep_days: DEFAULT_DAYS }
    }
}

impl Keeping {
    /// What was chosen, with its version; 0 if nobody chose.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read(store: &dyn SettingsStore) -> Result<(Self, u64), StoreError> {
        let Some(set) = store.setting(NAME).await? else { return Ok((Self::default(), 0)) };
        let corrupt = |e: serde_json::Error| StoreError::Corrupt { what: "setting of unknowns", reason: e.to_string() };
        Ok((serde_json::from_str(&set.value).map_err(corrupt)?, set.version))
    }

    /// Visits of before this moment are forgotten.
    #[must_use]
    pub fn before(self, now: UnixMillis) -> UnixMillis {
        let kept = Duration::from_secs(u64::from(self.keep_days) * 24 * 60 * 60);
        UnixMillis(now.0.saturating_sub(i64::try_from(kept.as_millis()).unwrap_or(i64::MAX)))
    }
}
