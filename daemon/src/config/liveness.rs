//! `[liveness]`: what is done with a visit that does not look live.

use ostiary_common::wire::LivenessPolicy;
use serde::{Deserialize, Serialize};

use super::{Problem, rule};

/// `[liveness]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LivenessSection {
    /// `off`, `report` or `block`; the server may set it for a device.
    pub policy: LivenessPolicy,
    /// A score below is suspected, 0..1; not set: the pack's.
    pub threshold: Option<f32>,
}

impl LivenessSection {
    pub(super) fn check(&self, found: &mut Vec<Problem>) {
        let fits = self.threshold.is_none_or(|v| (0.0..=1.0).contains(&v));
        let value = self.threshold.map_or_else(String::new, |v| v.to_string());
        rule(found, fits, "liveness.threshold", value, "0 to 1");
    }
}
