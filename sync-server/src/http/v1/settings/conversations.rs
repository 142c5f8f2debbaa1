//! How long conversations are kept.

use axum::extract::State;
use axum::response::{IntoResponse, Response};

use crate::domain::access::may::{SettingsManage, SettingsRead};
use crate::domain::recognition::Change;
use crate::http::api::Api;
use crate::http::auth::{May, Throughout};
use crate::http::etag::{MustMatch, etag};
use crate::http::extract::Valid;
use crate::http::problem::ApiError;
use crate::talk::settings::{ConversationSettings, NAME, load};

/// How long conversations are kept.
#[utoipa::path(get, path = "/api/v1/settings/conversations", operation_id = "settings_conversations",
    tag = "settings", security(("bearer" = [])),
    responses((status = 200, description = "The settings; the `ETag` is the version", body = ConversationSettings)))]
pub async fn read(State(api): State<Api>, _may: May<SettingsRead>) -> Result<Response, ApiError> {
    answer(&api).await
}

/// Set how long conversations are kept.
#[utoipa::path(put, path = "/api/v1/settings/conversations", operation_id = "settings_conversations_set",
    tag = "settings", security(("bearer" = [])), request_body = ConversationSettings,
    params(("If-Match" = String, Header, description = "The `ETag` the change was made against, or `*`")),
    responses((status = 200, description = "Set", body = ConversationSettings)))]
#[tracing::instrument(name = "http.v1.settings.conversations", skip_all)]
pub async fn set(
    State(api): State<Api>,
    may: Throughout<SettingsManage>,
    MustMatch(expected): MustMatch,
    Valid(body): Valid<ConversationSettings>,
) -> Result<Response, ApiError> {
    let was = serde_json::to_value(load(&*api.notices.store).await?.0).ok();
    let json = serde_json::to_value(&body).expect("settings have a JSON form");
    let note = api.note(&may.caller, "settings.conversations", "installation".into(), was, Some(json.clone()));
    api.store.put_setting(NAME, &json.to_string(), Change { expected, now: api.now() }, &note).await?;
    answer(&api).await
}

async fn answer(api: &Api) -> Result<Response, ApiError> {
    let (settings, version) = load(&*api.notices.store).await?;
    Ok((etag(version), axum::Json(settings)).into_response())
}
