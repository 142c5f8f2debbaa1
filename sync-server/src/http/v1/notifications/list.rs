//! The notification centre.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::view::NotificationView;
use crate::domain::notify::NoticeId;
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::extract::{InPath, ValidQuery};
use crate::http::notices::sight;
use crate::http::paging;
use crate::http::problem::{ApiError, Problem};

/// Which page.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Notifications of a page, 1 to 500.
    #[garde(range(min = 1, max = paging::MAX_LIMIT))]
    limit: Option<u32>,
    /// `next` of the page before.
    #[garde(skip)]
    before: Option<Uuid>,
    /// Whether only what is new is wanted.
    #[garde(skip)]
    #[serde(default)]
    unread: bool,
}

/// A page of notifications, the newest first.
#[derive(Serialize, ToSchema)]
pub struct Notifications {
    /// The notifications.
    items: Vec<NotificationView>,
    /// Pass it as `before` for the next page; absent on the last.
    next: Option<Uuid>,
    /// How many are new, on this page or not.
    unread: u64,
}

/// What you were told of, the newest first, as far as you may know of it now. How many are new is told as it changes at `/api/v1/notifications/live`.
#[utoipa::path(get, path = "/api/v1/notifications", operation_id = "notifications_list", tag = "notifications",
    security(("bearer" = [])), params(Page),
    responses((status = 200, description = "The notifications", body = Notifications)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    ValidQuery(page): ValidQuery<Page>,
) -> Result<Json<Notifications>, ApiError> {
    let limit = paging::limit(page.limit)?;
    let (store, sight) = (&api.notices.store, sight(&caller.access));
    let told = store.told(caller.account, &sight, page.unread, page.before.map(NoticeId), limit).await?;
    let unread = store.count_unread(caller.account, &sight).await?;
    let items: Vec<NotificationView> = told.iter().map(NotificationView::from).collect();
    let next = items.last().filter(|_| items.len() == limit as usize).map(|last| last.id);
    Ok(Json(Notifications { next, items, unread }))
}

/// One thing you were told of.
#[utoipa::path(get, path = "/api/v1/notifications/{id}", operation_id = "notifications_read", tag = "notifications",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The notification")),
    responses(
        (status = 200, description = "The notification", body = NotificationView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn item(
    State(api): State<Api>,
    caller: Caller,
    InPath(id): InPath<NoticeId>,
) -> Result<Json<NotificationView>, ApiError> {
    Ok(Json(NotificationView::from(&super::found(&api, &caller, id).await?)))
}
