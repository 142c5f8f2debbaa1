//! What the account signed in wants of messages.

use axum::extract::State;
use axum::response::{IntoResponse, Response};

use crate::domain::notify::Preferences;
use crate::domain::recognition::Change;
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::etag::{IfMatch, etag};
use crate::http::extract::Valid;
use crate::http::problem::{ApiError, Problem};
use crate::notify::form::{InvalidForm, PreferencesForm};

/// What you want of messages; the notification centre has everything whatever you say.
#[utoipa::path(get, path = "/api/v1/me/notification-preferences", operation_id = "me_notification_preferences",
    tag = "me", security(("bearer" = [])),
    responses((status = 200, description = "The wishes; the `ETag` is the version", body = PreferencesForm)))]
pub async fn read(State(api): State<Api>, caller: Caller) -> Result<Response, ApiError> {
    answer(&api, &caller).await
}

/// Set what you want of messages.
#[utoipa::path(put, path = "/api/v1/me/notification-preferences", operation_id = "me_notification_preferences_set",
    tag = "me", security(("bearer" = [])), request_body = PreferencesForm,
    params(("If-Match" = Option<String>, Header, description = "The `ETag` the change was made against")),
    responses(
        (status = 200, description = "Set", body = PreferencesForm),
        (status = 412, description = "`outdated`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.me.notification_preferences", skip_all)]
pub async fn set(
    State(api): State<Api>,
    caller: Caller,
    IfMatch(expected): IfMatch,
    Valid(form): Valid<PreferencesForm>,
) -> Result<Response, ApiError> {
    Preferences::try_from(&form).map_err(|InvalidForm { field, detail }| ApiError::Invalid { field, detail })?;
    let json = serde_json::to_string(&form).expect("a form has a JSON form");
    api.notices.store.put_wishes(caller.account, &json, Change { expected, now: api.now() }).await?;
    answer(&api, &caller).await
}

async fn answer(api: &Api, caller: &Caller) -> Result<Response, ApiError> {
    let stored = api.notices.store.wishes(caller.account).await?;
    let version = stored.as_ref().map_or(0, |stored| stored.version);
    let form: Option<PreferencesForm> = stored.and_then(|stored| serde_json::from_str(&stored.value).ok());
    Ok((etag(version), axum::Json(form.unwrap_or_default())).into_response())
}
