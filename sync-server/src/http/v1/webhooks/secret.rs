//! A new secret for a webhook.

use axum::Json;
use axum::extract::State;
use rand::TryRngCore;
use rand::rngs::OsRng;

use super::found;
use super::view::{WebhookMade, WebhookView, noted};
use crate::domain::access::may::NotificationsManage;
use crate::domain::notify::WebhookId;
use crate::domain::recognition::Change;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};
use crate::notify::signed::{self, SECRET_BYTES};

/// A secret from the system's random source.
pub(super) fn fresh() -> Result<Vec<u8>, ApiError> {
    let mut bytes = vec![0; SECRET_BYTES];
    OsRng.try_fill_bytes(&mut bytes).map_err(|e| ApiError::Internal(e.to_string()))?;
    Ok(bytes)
}

/// Put a new secret in place of the old one, which signs nothing from now on.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/secret", operation_id = "webhooks_secret", tag = "notifications",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The webhook")),
    responses(
        (status = 200, description = "The secret, shown only here", body = WebhookMade),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.webhooks.secret", skip_all, fields(webhook.id = %id))]
pub async fn renew(
    State(api): State<Api>,
    may: May<NotificationsManage>,
    InPath(id): InPath<WebhookId>,
) -> Result<Json<WebhookMade>, ApiError> {
    let mut webhook = found(&may, id).await?;
    webhook.secret = fresh()?;
    let note = api.note(&may.caller, "webhook.secret", format!("webhook:{id}"), None, Some(noted(&webhook)));
    let change = Change { expected: None, now: api.now() };
    let version = api.notices.store.put_webhook(&webhook, change, &note).await?;
    webhook.version = version.ok_or(ApiError::NotFound("webhook"))?;
    Ok(Json(WebhookMade { webhook: WebhookView::from(&webhook), secret: signed::shown(&webhook.secret) }))
}
