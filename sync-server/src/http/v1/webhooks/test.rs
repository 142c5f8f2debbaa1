//! Whether a webhook can be reached.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::found;
use crate::domain::access::may::NotificationsManage;
use crate::domain::notify::WebhookId;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::notifications::deliveries::DeliveryView;
use crate::ports::notify::{Delivery, Reason, Recipient};

/// Send a webhook a test; what becomes of it is seen in `/api/v1/deliveries`.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/test", operation_id = "webhooks_test", tag = "notifications",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The webhook")),
    responses(
        (status = 202, description = "Under way", body = DeliveryView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.webhooks.test", skip_all, fields(webhook.id = %id))]
pub async fn test(
    State(api): State<Api>,
    may: May<NotificationsManage>,
    InPath(id): InPath<WebhookId>,
) -> Result<(StatusCode, Json<DeliveryView>), ApiError> {
    api.limits.export(may.caller.account).await?;
    found(&may, id).await?;
    let delivery = Delivery::new(None, Recipient::Webhook(id), Reason::Test, api.now());
    api.notices.store.add_delivery(&delivery).await?;
    api.audit_done(&may.caller, "webhook.test", format!("webhook:{id}"), String::new()).await?;
    api.notices.bells.ring();
    Ok((StatusCode::ACCEPTED, Json(DeliveryView::from(&delivery))))
}
