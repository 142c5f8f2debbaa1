//! All webhooks.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::WebhookView;
use crate::domain::access::may::NotificationsManage;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::notices::is_within;
use crate::http::problem::ApiError;

/// Webhooks, the oldest first.
#[derive(Serialize, ToSchema)]
pub struct Webhooks {
    /// The webhooks.
    items: Vec<WebhookView>,
}

/// The webhooks whose place is within reach, the oldest first.
#[utoipa::path(get, path = "/api/v1/webhooks", operation_id = "webhooks_list", tag = "notifications",
    security(("bearer" = [])), responses((status = 200, description = "The webhooks", body = Webhooks)))]
pub async fn list(State(api): State<Api>, may: May<NotificationsManage>) -> Result<Json<Webhooks>, ApiError> {
    let mut items = Vec::new();
    for webhook in api.notices.store.webhooks().await? {
        if is_within(&may, webhook.place).await? {
            items.push(WebhookView::from(&webhook));
        }
    }
    Ok(Json(Webhooks { items }))
}
