//! Having read.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::notify::NoticeId;
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// What was read.
#[derive(Serialize, ToSchema)]
pub struct NowRead {
    /// How many were new until now.
    marked: u64,
}

/// Say that you have read a notification; nobody else is told of it in your stead.
#[utoipa::path(post, path = "/api/v1/notifications/{id}/read", operation_id = "notifications_mark_read",
    tag = "notifications", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The notification")),
    responses(
        (status = 200, description = "Noted", body = NowRead),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn one(
    State(api): State<Api>,
    caller: Caller,
    InPath(id): InPath<NoticeId>,
) -> Result<Json<NowRead>, ApiError> {
    super::found(&api, &caller, id).await?;
    mark(&api, &caller, Some(id)).await
}

/// Say that you have read all of them.
#[utoipa::path(post, path = "/api/v1/notifications/read", operation_id = "notifications_mark_all_read",
    tag = "notifications", security(("bearer" = [])),
    responses((status = 200, description = "Noted", body = NowRead)))]
pub async fn all(State(api): State<Api>, caller: Caller) -> Result<Json<NowRead>, ApiError> {
    mark(&api, &caller, None).await
}

async fn mark(api: &Api, caller: &Caller, id: Option<NoticeId>) -> Result<Json<NowRead>, ApiError> {
    let marked = api.notices.store.mark_read(caller.account, id, api.now()).await?;
    api.notices.bells.ring();
    Ok(Json(NowRead { marked }))
}
