//! What others may ask of the device: `[commands]` and `[home_assistant]`.

use serde::{Deserialize, Serialize};

use super::{Problem, rule};

/// Whether a picture may be had by command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SnapshotPolicy {
    /// Never.
    #[default]
    Off,
    /// Whenever an administrator asks.
    On,
}

/// `[commands]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CommandsSection {
    /// `off` or `on`.
    pub snapshot: SnapshotPolicy,
}

/// `[home_assistant]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HomeAssistantSection {
    /// Describe the device and its entities to Home Assistant.
    pub discovery: bool,
    /// What Home Assistant calls it; empty: the name it was claimed under.
    pub name: String,
}

impl HomeAssistantSection {
    pub(super) fn check(&self, found: &mut Vec<Problem>) {
        let fits = self.name.chars().count() <= 100;
        rule(found, fits, "home_assistant.name", &self.name, "at most 100 characters");
    }
}
