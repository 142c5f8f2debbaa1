//! `[inference]`: how the nets are computed.

use ostiary_models::engine::Kernels;
use serde::{Deserialize, Serialize};

/// `[inference]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InferenceSection {
    /// Which code computes the nets.
    pub kernels: KernelsSetting,
}

/// Which code computes the nets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KernelsSetting {
    /// Our own where they know the net, else tract's.
    #[default]
    Auto,
    /// tract's.
    Stock,
}

impl From<KernelsSetting> for Kernels {
    fn from(setting: KernelsSetting) -> Self {
        match setting {
            KernelsSetting::Auto => Self::Auto,
            KernelsSetting::Stock => Self::Stock,
        }
    }
}
