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
    /// Templates kept of each side of a person's face.
    pub templates_per_angle: usize,
    /// Files with the public keys (Ed25519, PEM) whose signatures under model packs are believed.
    pub pack_keys: Vec<PathBuf>,
    /// The largest archive of a model pack.
    pub pack_max_megabytes: u64,
}

impl Default for ModelsConfig {
    fn default() -> Self {
        Self {
            pack_dir: "/usr/share/ostiary/packs/ostiary-default".into(),
            engines: 1,
            queue: 16,
            kernels: KernelsSetting::Auto,
            templates_per_angle: 5,
            pack_keys: Vec::new(),
            pack_max_megabytes: 512,
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
        if !(1..=50).contains(&self.templates_per_angle) {
            return Err(not_allowed("models.templates_per_angle", self.templates_per_angle, "must be 1 to 50"));
        }
        if !(1..=4_096).contains(&self.pack_max_megabytes) {
            return Err(not_allowed("models.pack_max_megabytes", self.pack_max_megabytes, "must be 1 to 4096"));
        }
        Ok(())
    }
}
