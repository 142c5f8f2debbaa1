//! What somebody wants of messages.

use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::hours::{WindowForm, schedule, utc, zone};
use super::{InvalidForm, kinds};
use crate::domain::notify::{Preferences, RuleId};

/// What somebody wants of messages; the centre has everything whatever they say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct PreferencesForm {
    /// Whether messages come by e-mail at all.
    #[garde(skip)]
    pub email: bool,
    /// Whether they come to browsers that take messages.
    #[garde(skip)]
    pub push: bool,
    /// Rules whose messages are not wanted.
    #[garde(length(max = 500))]
    pub muted_rules: Vec<Uuid>,
    /// Kinds of things whose messages are not wanted.
    #[garde(length(max = 17))]
    pub muted: Vec<String>,
    /// When messages wait.
    #[garde(length(max = 28), dive)]
    pub quiet: Vec<WindowForm>,
    /// IANA name of the time zone of the quiet hours.
    #[garde(length(max = 100))]
    pub time_zone: String,
}

impl Default for PreferencesForm {
    fn default() -> Self {
        Self {
            email: true,
            push: true,
            muted_rules: Vec::new(),
            muted: Vec::new(),
            quiet: Vec::new(),
            time_zone: utc(),
        }
    }
}

impl TryFrom<&PreferencesForm> for Preferences {
    type Error = InvalidForm;
    fn try_from(form: &PreferencesForm) -> Result<Self, InvalidForm> {
        Ok(Self {
            email: form.email,
            push: form.push,
            muted_rules: form.muted_rules.iter().copied().map(RuleId).collect(),
            muted: kinds("muted", &form.muted)?,
            quiet: schedule("quiet", &form.quiet)?,
            zone: zone(&form.time_zone)?,
        })
    }
}
