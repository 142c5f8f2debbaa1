//! Which fields persons have beside the name.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::access::may::{PersonsRead, SettingsManage};
use crate::domain::fields::{Field, FieldKind, FieldSchema, MOST_TEXT_CHARS};
use crate::domain::recognition::Change;
use crate::http::api::Api;
use crate::http::auth::{May, Throughout};
use crate::http::etag::{MustMatch, etag};
use crate::http::extract::Valid;
use crate::http::problem::{ApiError, FieldError};
use crate::http::rules;
use crate::ports::{Store, StoreError};

/// The document's name in the store.
const NAME: &str = "person-fields";

/// Fields persons have, in the order they are shown; at most 50.
#[derive(Deserialize, Serialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct PersonFields {
    /// The fields.
    #[garde(length(max = 50), dive)]
    #[schema(max_items = 50)]
    fields: Vec<FieldView>,
}

/// A field.
#[derive(Deserialize, Serialize, ToSchema, Validate)]
pub struct FieldView {
    /// Its name in the API: lower-case letters, digits and `_`, beginning with a letter, at most 40 characters.
    #[garde(length(min = 1, max = 40))]
    #[schema(example = "badge_no", pattern = "^[a-z][a-z0-9_]{0,39}$")]
    key: String,
    /// What people read, 1 to 100 characters.
    #[garde(custom(rules::name))]
    #[schema(example = "Badge number")]
    label: String,
    /// What it may hold.
    #[garde(dive)]
    #[serde(flatten)]
    kind: KindView,
}

/// What a field may hold.
#[derive(Deserialize, Serialize, ToSchema, Validate)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum KindView {
    /// A text.
    Text {
        /// At most so many characters, 1 to 2000; 200 if it is not said.
        #[garde(inner(range(min = 1, max = MOST_TEXT_CHARS)))]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_chars: Option<u32>,
    },
    /// A number.
    Number {
        /// The least.
        #[garde(skip)]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<f64>,
        /// The greatest.
        #[garde(skip)]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<f64>,
    },
    /// A day, as `2026-11-21`.
    Date,
    /// One of a few.
    Choice {
        /// 1 to 100 different texts of 1 to 100 characters.
        #[garde(length(min = 1, max = 100), inner(length(chars, min = 1, max = 100)))]
        choices: Vec<String>,
    },
}

/// Characters of a text field that does not say how many.
const USUAL_TEXT_CHARS: u32 = 200;

impl From<&Field> for FieldView {
    fn from(field: &Field) -> Self {
        let kind = match &field.kind {
            FieldKind::Text { max_chars } => KindView::Text { max_chars: Some(*max_chars) },
            FieldKind::Number { min, max } => KindView::Number { min: *min, max: *max },
            FieldKind::Date => KindView::Date,
            FieldKind::Choice(choices) => KindView::Choice { choices: choices.clone() },
        };
        Self { key: field.key.clone(), label: field.label.clone(), kind }
    }
}

impl FieldView {
    fn parse(self) -> Field {
        let kind = match self.kind {
            KindView::Text { max_chars } => FieldKind::Text { max_chars: max_chars.unwrap_or(USUAL_TEXT_CHARS) },
            KindView::Number { min, max } => FieldKind::Number { min, max },
            KindView::Date => FieldKind::Date,
            KindView::Choice { choices } => FieldKind::Choice(choices),
        };
        Field { key: self.key, label: self.label.trim().to_owned(), kind }
    }
}

impl From<&FieldSchema> for PersonFields {
    fn from(schema: &FieldSchema) -> Self {
        Self { fields: schema.fields().iter().map(FieldView::from).collect() }
    }
}

/// The schema in force and its version.
///
/// # Errors
/// [`StoreError`].
pub async fn schema(store: &dyn Store) -> Result<(FieldSchema, u64), StoreError> {
    let Some(set) = store.setting(NAME).await? else { return Ok((FieldSchema::default(), 0)) };
    let corrupt = |reason: String| StoreError::Corrupt { what: "person fields", reason };
    let stored: PersonFields = serde_json::from_str(&set.value).map_err(|e| corrupt(e.to_string()))?;
    let fields = stored.fields.into_iter().map(FieldView::parse).collect();
    let schema = FieldSchema::parse(fields).map_err(|wrong| corrupt(format!("{wrong:?}")))?;
    Ok((schema, set.version))
}

/// Which fields persons have beside the name.
#[utoipa::path(get, path = "/api/v1/settings/person-fields", operation_id = "settings_person_fields", tag = "settings",
    security(("bearer" = [])),
    responses((status = 200, description = "The fields; the `ETag` is the version", body = PersonFields)))]
pub async fn read(State(api): State<Api>, _may: May<PersonsRead>) -> Result<Response, ApiError> {
    answer(&api).await
}

/// Set which fields persons have. Values of a field that is taken away, or that no longer fit, are not shown any more,
/// and are gone with the person's next change.
#[utoipa::path(put, path = "/api/v1/settings/person-fields", operation_id = "settings_person_fields_set",
    tag = "settings", security(("bearer" = [])), request_body = PersonFields,
    params(("If-Match" = String, Header, description = "The `ETag` the change was made against, or `*`")),
    responses((status = 200, description = "Set", body = PersonFields)))]
#[tracing::instrument(name = "http.v1.settings.person_fields", skip_all)]
pub async fn set(
    State(api): State<Api>,
    may: Throughout<SettingsManage>,
    MustMatch(expected): MustMatch,
    Valid(body): Valid<PersonFields>,
) -> Result<Response, ApiError> {
    let became = FieldSchema::parse(body.fields.into_iter().map(FieldView::parse).collect()).map_err(|wrong| {
        let place = |at: &str| if at.is_empty() { "fields".to_owned() } else { format!("fields[{at}]") };
        let fields = wrong.into_iter().map(|misfit| FieldError::of_body(&place(&misfit.field), misfit.reason));
        ApiError::InvalidFields(fields.collect())
    })?;
    let json = |schema: &FieldSchema| serde_json::to_value(PersonFields::from(schema)).expect("it has a JSON form");
    let (was, became) = (json(&schema(&*api.store).await?.0), json(&became));
    let note = api.note(&may.caller, "settings.person_fields", "installation".into(), Some(was), Some(became.clone()));
    let change = Change { expected, now: api.now() };
    api.store.put_setting(NAME, &became.to_string(), change, &note).await?;
    answer(&api).await
}

async fn answer(api: &Api) -> Result<Response, ApiError> {
    let (schema, version) = schema(&*api.store).await?;
    Ok((etag(version), axum::Json(PersonFields::from(&schema))).into_response())
}
