//! How long each kind of data is kept.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::access::may::{SettingsManage, SettingsRead};
use crate::domain::recognition::Change;
use crate::domain::retention::{MOST_DAYS, Retention};
use crate::http::api::Api;
use crate::http::auth::{May, Throughout};
use crate::http::etag::{MustMatch, etag};
use crate::http::extract::Valid;
use crate::http::problem::ApiError;
use crate::retainer::SETTING;

/// How many days each kind of data is kept; `null` keeps it for good. How long conversations are kept is set at
/// `/api/v1/settings/conversations`.
// Which must be said, by `deserialize_with`: what was left out by mistake is not to be kept for good.
#[derive(Deserialize, Serialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct RetentionSettings {
    /// Events: who passed, where and when.
    #[garde(inner(range(min = 1, max = MOST_DAYS)))]
    #[schema(required = true, minimum = 1, maximum = 36500, example = 365)]
    #[serde(deserialize_with = "Option::deserialize")]
    events_days: Option<u32>,
    /// Pictures and embeddings of visits of somebody known.
    #[garde(inner(range(max = MOST_DAYS)))]
    #[schema(required = true, maximum = 36500, example = 30)]
    #[serde(deserialize_with = "Option::deserialize")]
    pictures_days: Option<u32>,
    /// Pictures and embeddings of visits of nobody known, and snapshots of cameras.
    #[garde(inner(range(max = MOST_DAYS)))]
    #[schema(required = true, maximum = 36500, example = 3)]
    #[serde(deserialize_with = "Option::deserialize")]
    strangers_days: Option<u32>,
    /// Lines of the audit log.
    #[garde(inner(range(min = 30, max = MOST_DAYS)))]
    #[schema(required = true, minimum = 30, maximum = 36500)]
    #[serde(deserialize_with = "Option::deserialize")]
    audit_days: Option<u32>,
    /// Errors of the server, and what devices were told to do.
    #[garde(inner(range(min = 1, max = MOST_DAYS)))]
    #[schema(required = true, minimum = 1, maximum = 36500, example = 90)]
    #[serde(deserialize_with = "Option::deserialize")]
    errors_days: Option<u32>,
    /// Records of consents, after the person was erased.
    #[garde(inner(range(max = MOST_DAYS)))]
    #[schema(required = true, maximum = 36500, example = 1095)]
    #[serde(deserialize_with = "Option::deserialize")]
    consents_days: Option<u32>,
}

impl From<Retention> for RetentionSettings {
    fn from(retention: Retention) -> Self {
        Self {
            events_days: retention.events,
            pictures_days: retention.pictures,
            strangers_days: retention.strangers,
            audit_days: retention.audit,
            errors_days: retention.errors,
            consents_days: retention.consents,
        }
    }
}

/// How long each kind of data is kept.
#[utoipa::path(get, path = "/api/v1/settings/retention", operation_id = "settings_retention", tag = "settings",
    security(("bearer" = [])),
    responses((status = 200, description = "The settings; the `ETag` is the version", body = RetentionSettings)))]
pub async fn read(State(api): State<Api>, _may: May<SettingsRead>) -> Result<Response, ApiError> {
    answer(&api).await
}

/// Set how long each kind of data is kept. What is older then is removed for good within the hour.
#[utoipa::path(put, path = "/api/v1/settings/retention", operation_id = "settings_retention_set", tag = "settings",
    security(("bearer" = [])), request_body = RetentionSettings,
    params(("If-Match" = String, Header, description = "The `ETag` the change was made against, or `*`")),
    responses((status = 200, description = "Set", body = RetentionSettings)))]
#[tracing::instrument(name = "http.v1.settings.retention", skip_all)]
pub async fn set(
    State(api): State<Api>,
    may: Throughout<SettingsManage>,
    MustMatch(expected): MustMatch,
    Valid(body): Valid<RetentionSettings>,
) -> Result<Response, ApiError> {
    let was = RetentionSettings::from(api.retainer.settings().await?.0);
    let json = serde_json::to_value(&body).expect("numbers have a JSON form");
    let was = serde_json::to_value(&was).ok();
    let note = api.note(&may.caller, "settings.retention", "installation".into(), was, Some(json.clone()));
    let change = Change { expected, now: api.now() };
    api.store.put_setting(SETTING, &json.to_string(), change, &note).await?;
    answer(&api).await
}

async fn answer(api: &Api) -> Result<Response, ApiError> {
    let (retention, version) = api.retainer.settings().await?;
    Ok((etag(version), axum::Json(RetentionSettings::from(retention))).into_response())
}
