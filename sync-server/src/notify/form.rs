//! Rules and wishes as JSON: as the API takes and gives them, and as the store keeps them.

mod hours;
mod people;
mod preferences;
mod rule;

use std::collections::BTreeSet;

pub use self::hours::WindowForm;
pub use self::people::{HowForm, WhomForm};
pub use self::preferences::PreferencesForm;
pub use self::rule::{EscalationForm, RuleForm};
use crate::domain::notify::What;

/// What a value is that is not allowed: the field, and what would be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {detail}")]
pub struct InvalidForm {
    /// The field.
    pub field: &'static str,
    /// What is allowed.
    pub detail: String,
}

fn invalid(field: &'static str, detail: impl ToString) -> InvalidForm {
    InvalidForm { field, detail: detail.to_string() }
}

fn kinds(field: &'static str, names: &[String]) -> Result<BTreeSet<What>, InvalidForm> {
    let kind = |name: &String| What::parse(name).ok_or_else(|| invalid(field, format!("{name:?} is no kind of thing")));
    names.iter().map(kind).collect()
}
