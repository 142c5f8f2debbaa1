//! How unknown visitors are dealt with.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::access::may::{SettingsManage, SettingsRead};
use crate::domain::recognition::Change;
use crate::faces::keeping::{Keeping, MOST_DAYS, NAME};
use crate::http::api::Api;
use crate::http::auth::{May, Throughout};
use crate::http::etag::{MustMatch, etag};
use crate::http::extract::Valid;
use crate::http::problem::ApiError;

/// How unknown visitors are dealt with.
#[derive(Deserialize, Serialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct UnknownSettings {
    /// Days after which a visit's face and picture are forgotten, 0 to 365; 0 at once, so that nobody is put together. The
    /// event stays.
    #[garde(range(max = MOST_DAYS))]
    #[schema(maximum = 365, example = 7)]
    keep_days: u16,
}

/// How long unknown visitors are kept.
#[utoipa::path(get, path = "/api/v1/settings/unknowns", operation_id = "settings_unknowns", tag = "settings",
    security(("bearer" = [])),
    responses((status = 200, description = "The settings; the `ETag` is the version", body = UnknownSettings)))]
pub async fn read(State(api): State<Api>, _may: May<SettingsRead>) -> Result<Response, ApiError> {
    answer(&api).await
}

/// Set how long unknown visitors are kept; what is older goes within a minute.
#[utoipa::path(put, path = "/api/v1/settings/unknowns", operation_id = "settings_unknowns_set", tag = "settings",
    security(("bearer" = [])), request_body = UnknownSettings,
    params(("If-Match" = String, Header, description = "The `ETag` the change was made against, or `*`")),
    responses((status = 200, description = "Set", body = UnknownSettings)))]
#[tracing::instrument(name = "http.v1.settings.unknowns", skip_all)]
pub async fn set(
    State(api): State<Api>,
    may: Throughout<SettingsManage>,
    MustMatch(expected): MustMatch,
    Valid(body): Valid<UnknownSettings>,
) -> Result<Response, ApiError> {
    let (was, _) = Keeping::read(&*api.store).await?;
    let json = |keeping: &Keeping| serde_json::to_value(keeping).expect("numbers have a JSON form");
    let became = json(&Keeping { keep_days: body.keep_days });
    let note =
        api.note(&may.caller, "settings.unknowns", "installation".into(), Some(json(&was)), Some(became.clone()));
    api.store.put_setting(NAME, &became.to_string(), Change { expected, now: api.now() }, &note).await?;
    answer(&api).await
}

async fn answer(api: &Api) -> Result<Response, ApiError> {
    let (Keeping { keep_days }, version) = Keeping::read(&*api.store).await?;
    Ok((etag(version), axum::Json(UnknownSettings { keep_days })).into_response())
}
