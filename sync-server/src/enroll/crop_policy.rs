//! Whether pictures of enrolled faces are kept for model packs to come.

use serde::{Deserialize, Serialize};

use crate::ports::{SettingsStore, StoreError};

/// The document's name in the store.
pub const NAME: &str = "face-crops";

/// Whether pictures are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CropPolicy {
    /// With them a new model pack needs nobody to come again; without them it asks for new photos of everyone.
    pub keep: bool,
}

impl Default for CropPolicy {
    fn default() -> Self {
        Self { keep: true }
    }
}

impl CropPolicy {
    /// What was chosen, with its version; 0 if nobody chose.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read(store: &(impl SettingsStore + ?Sized)) -> Result<(Self, u64), StoreError> {
        let Some(set) = store.setting(NAME).await? else { return Ok((Self::default(), 0)) };
        let corrupt =
            |e: serde_json::Error| StoreError::Corrupt { what: "setting of face pictures", reason: e.to_string() };
        Ok((serde_json::from_str(&set.value).map_err(corrupt)?, set.version))
    }
}
