//! All rules.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::RuleView;
use crate::domain::access::may::NotificationsManage;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::notices::is_within;
use crate::http::problem::ApiError;

/// Rules, the oldest first.
#[derive(Serialize, ToSchema)]
pub struct Rules {
    /// The rules.
    items: Vec<RuleView>,
}

/// The rules whose place is within reach, the oldest first.
#[utoipa::path(get, path = "/api/v1/notification-rules", operation_id = "notification_rules_list",
    tag = "notifications", security(("bearer" = [])),
    responses((status = 200, description = "The rules", body = Rules)))]
pub async fn list(State(api): State<Api>, may: May<NotificationsManage>) -> Result<Json<Rules>, ApiError> {
    let mut items = Vec::new();
    for stored in api.notices.store.rules().await? {
        if is_within(&may, stored.place).await? {
            items.push(RuleView::try_from(&stored)?);
        }
    }
    Ok(Json(Rules { items }))
}
