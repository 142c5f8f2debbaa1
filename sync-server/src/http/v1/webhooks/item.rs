//! One webhook: look at it, set it, remove it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::found;
use super::view::{WebhookBody, WebhookView, noted};
use crate::domain::access::may::NotificationsManage;
use crate::domain::notify::WebhookId;
use crate::domain::recognition::Change;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::etag::{IfMatch, etag};
use crate::http::extract::{InPath, Valid};
use crate::http::notices::is_within;
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::ports::notify::Webhook;

fn answer(webhook: &Webhook) -> Response {
    (etag(webhook.version), axum::Json(WebhookView::from(webhook))).into_response()
}

/// One webhook.
#[utoipa::path(get, path = "/api/v1/webhooks/{id}", operation_id = "webhooks_read", tag = "notifications",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The webhook")),
    responses(
        (status = 200, description = "The webhook; the `ETag` is the version", body = WebhookView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn read(may: May<NotificationsManage>, InPath(id): InPath<WebhookId>) -> Result<Response, ApiError> {
    Ok(answer(&found(&may, id).await?))
}

/// Set a webhook. Its secret stays; without `url`, so does its address.
#[utoipa::path(put, path = "/api/v1/webhooks/{id}", operation_id = "webhooks_set", tag = "notifications",
    security(("bearer" = [])), request_body = WebhookBody,
    params(("id" = uuid::Uuid, Path, description = "The webhook"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` the change was made against")),
    responses(
        (status = 200, description = "Set", body = WebhookView),
        (status = 404, description = "No such webhook, site or door", body = Problem,
            content_type = "application/problem+json"),
        (status = 412, description = "`outdated`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.webhooks.set", skip_all, fields(webhook.id = %id))]
pub async fn set(
    State(api): State<Api>,
    may: May<NotificationsManage>,
    InPath(id): InPath<WebhookId>,
    IfMatch(expected): IfMatch,
    Valid(body): Valid<WebhookBody>,
) -> Result<Response, ApiError> {
    let mut webhook = found(&may, id).await?;
    let was = noted(&webhook);
    let place = body.place()?;
    may.found(is_within(&may, place).await?.then_some(()), "site or door")?;
    let url = body.checked_url(&*api.notices.poster)?;
    (webhook.place, webhook.name, webhook.enabled) = (place, rules::parsed_name(&body.name)?, body.enabled);
    webhook.url = url.unwrap_or(webhook.url);
    let change = Change { expected, now: api.now() };
    webhook.changed_at = change.now;
    let became = Some(noted(&webhook));
    let note = api.note(&may.caller, "webhook.configure", format!("webhook:{id}"), Some(was), became);
    let version = api.notices.store.put_webhook(&webhook, change, &note).await?;
    webhook.version = version.ok_or(ApiError::NotFound("webhook"))?;
    Ok(answer(&webhook))
}

/// Remove a webhook, and what waits for it.
#[utoipa::path(delete, path = "/api/v1/webhooks/{id}", operation_id = "webhooks_delete", tag = "notifications",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The webhook")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.webhooks.delete", skip_all, fields(webhook.id = %id))]
pub async fn delete(
    State(api): State<Api>,
    may: May<NotificationsManage>,
    InPath(id): InPath<WebhookId>,
) -> Result<StatusCode, ApiError> {
    let was = noted(&found(&may, id).await?);
    let note = api.note(&may.caller, "webhook.delete", format!("webhook:{id}"), Some(was), None);
    may.found(api.notices.store.remove_webhook(id, &note).await?.then_some(()), "webhook")?;
    Ok(StatusCode::NO_CONTENT)
}
