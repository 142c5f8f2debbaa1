//! What is set for messages of the installation.

use std::time::Duration;

use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ports::{SettingsStore, StoreError};

/// The document's name in the store.
pub const NAME: &str = "notifications";
/// The document with the installation's name and time zone.
const GENERAL: &str = "general";

/// What goes out, and how much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct NotificationSettings {
    /// Whether messages outside tell the names of persons. Mail lies open on many servers: think before you set it.
    #[garde(skip)]
    pub names_in_mail: bool,
    /// Whether messages outside show the picture of a visit.
    #[garde(skip)]
    pub pictures_in_mail: bool,
    /// The most messages an account is sent within an hour, 1 to 1000; the centre has everything.
    #[garde(range(min = 1, max = 1000))]
    pub mails_per_hour: u32,
    /// Days after which notices are removed, 1 to 3650.
    #[garde(range(min = 1, max = 3650))]
    pub keep_days: u32,
}

impl Default for NotificationSettings {
    fn default() -> Self {
        Self { names_in_mail: false, pictures_in_mail: false, mails_per_hour: 20, keep_days: 90 }
    }
}

impl NotificationSettings {
    /// How long notices are kept.
    #[must_use]
    pub fn keep(&self) -> Duration {
        Duration::from_secs(u64::from(self.keep_days) * 24 * 3600)
    }
}

/// What is set, and its version.
///
/// # Errors
/// [`StoreError`].
pub async fn load(store: &dyn SettingsStore) -> Result<(NotificationSettings, u64), StoreError> {
    let Some(set) = store.setting(NAME).await? else { return Ok((NotificationSettings::default(), 0)) };
    let corrupt = |e: serde_json::Error| StoreError::Corrupt { what: "notification settings", reason: e.to_string() };
    Ok((serde_json::from_str(&set.value).map_err(corrupt)?, set.version))
}

/// The installation's name and time zone, as messages tell them.
#[derive(Clone, Debug, Deserialize)]
pub struct Here {
    /// Its name.
    pub name: String,
    /// IANA name of its time zone.
    pub time_zone: String,
}

/// What the installation is called, and by which clock it lives.
///
/// # Errors
/// [`StoreError`].
pub async fn here(store: &dyn SettingsStore) -> Result<Here, StoreError> {
    let set = store.setting(GENERAL).await?;
    let read = set.and_then(|set| serde_json::from_str(&set.value).ok());
    Ok(read.unwrap_or_else(|| Here { name: "Ostiary".into(), time_zone: "UTC".into() }))
}
