//! `[inference]`: how the nets are computed.

use ostiary_models::engine::KernelsSetting;
use serde::{Deserialize, Serialize};

/// `[inference]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InferenceSection {
    /// Which code computes the nets.
    pub kernels: KernelsSetting,
}
