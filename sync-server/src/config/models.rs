//! `[models]`: the model pack that makes templates.

use std::path::PathBuf;

use ostiary_models::engine::KernelsSetting;
use serde::{Deserialize, Serialize};

use super::{ConfigError, not_allowed};

/// The model pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelsConfig {
    /// Its directory.
    pub pack_dir: PathBuf,
    /// Photos looked at in parallel.
    pub engines: usize,
    /// Photos that may wait.
    pub queue: usize,
    /// Which code computes the nets.
    pub kernels: KernelsSetting,
}

impl Default for ModelsConfig {
    fn default() -> Self {
        Self {
            pack_dir: "/usr/share/ostiary/packs/ostiary-default".into(),
            engines: 1,
            queue: 16,
            kernels: KernelsSetting::Auto,
        }
    }
}

impl ModelsConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if !(1..=64).contains(&self.engines) {
            return Err(not_allowed("models.engines", self.engines, "must be 1 to 64"));
        }
        if !(1..=1000).contains(&self.queue) {
            return Err(not_allowed("models.queue", self.queue, "must be 1 to 1000"));
        }
        Ok(())
    }
}
