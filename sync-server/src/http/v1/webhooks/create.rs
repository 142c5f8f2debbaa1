//! A new webhook.

use axum::extract::State;
use axum::http::StatusCode;

use super::secret::fresh;
use super::view::{WebhookBody, WebhookMade, WebhookView, noted};
use crate::domain::access::may::NotificationsManage;
use crate::domain::notify::WebhookId;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::Valid;
use crate::http::notices::is_within;
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::notify::signed;
use crate::ports::notify::Webhook;

/// Add a webhook. What is sent is signed as "Standard Webhooks" says, with a secret that is shown only in this answer.
#[utoipa::path(post, path = "/api/v1/webhooks", operation_id = "webhooks_create", tag = "notifications",
    security(("bearer" = [])), request_body = WebhookBody,
    responses(
        (status = 201, description = "Added", body = WebhookMade),
        (status = 404, description = "No such site or door", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`: among others, an address that webhooks may not go to",
            body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.webhooks.create", skip_all)]
pub async fn create(
    State(api): State<Api>,
    may: May<NotificationsManage>,
    Valid(body): Valid<WebhookBody>,
) -> Result<(StatusCode, axum::Json<WebhookMade>), ApiError> {
    let place = body.place()?;
    may.found(is_within(&may, place).await?.then_some(()), "site or door")?;
    let missing = || ApiError::Invalid { field: "url", detail: "is missing".into() };
    let (id, now) = (WebhookId::generate(), api.now());
    let webhook = Webhook {
        id,
        name: rules::parsed_name(&body.name)?,
        url: body.checked_url(&*api.notices.poster)?.ok_or_else(missing)?,
        secret: fresh()?,
        place,
        enabled: body.enabled,
        version: 1,
        created_at: now,
        changed_at: now,
    };
    let note = api.note(&may.caller, "webhook.create", format!("webhook:{id}"), None, Some(noted(&webhook)));
    api.notices.store.add_webhook(&webhook, &note).await?;
    let made = WebhookMade { webhook: WebhookView::from(&webhook), secret: signed::shown(&webhook.secret) };
    Ok((StatusCode::CREATED, axum::Json(made)))
}
