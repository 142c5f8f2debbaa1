//! A person with notes and fields.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::view::PersonView;
use crate::domain::fields::FieldValue;
use crate::domain::person::Person;
use crate::domain::profile::Profile;
use crate::http::api::Api;
use crate::http::problem::ApiError;
use crate::http::v1::settings::person_fields::schema;

/// Someone enrolled, with notes and fields.
#[derive(Serialize, ToSchema)]
pub struct PersonDetail {
    #[serde(flatten)]
    person: PersonView,
    /// Notes, or empty.
    notes: String,
    /// Values by field, of those that `/api/v1/settings/person-fields` has.
    fields: BTreeMap<String, FieldInput>,
}

/// A value of a field: a number of a number, a text of all others.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(untagged)]
pub enum FieldInput {
    /// Of a number.
    Number(f64),
    /// Of a text, a day or a choice.
    Text(String),
}

impl From<FieldInput> for FieldValue {
    fn from(input: FieldInput) -> Self {
        match input {
            FieldInput::Number(number) => Self::Number(number),
            FieldInput::Text(text) => Self::Text(text),
        }
    }
}

impl From<FieldValue> for FieldInput {
    fn from(value: FieldValue) -> Self {
        match value {
            FieldValue::Number(number) => Self::Number(number),
            FieldValue::Text(text) => Self::Text(text),
        }
    }
}

/// A person as the caller sees it, with what else is known.
///
/// # Errors
/// [`ApiError::Internal`] if the schema of fields cannot be read.
pub async fn detail(api: &Api, person: Person, profile: Profile) -> Result<PersonDetail, ApiError> {
    let Profile { notes, fields } = profile;
    let fields = if fields.is_empty() { fields } else { schema(&*api.store).await?.0.shown(fields) };
    let fields = fields.into_iter().map(|(key, value)| (key, value.into())).collect();
    Ok(PersonDetail { person: person.into(), notes, fields })
}
