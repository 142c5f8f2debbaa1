//! One event.

use axum::Json;
use axum::extract::State;
use ostiary_common::ids::EventId;

use super::item::EventItem;
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// One event.
#[utoipa::path(get, path = "/api/v1/events/{id}", operation_id = "events_read", tag = "events", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The event")),
    responses(
        (status = 200, description = "The event", body = EventItem),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn read(
    State(api): State<Api>,
    _caller: Caller,
    InPath(id): InPath<EventId>,
) -> Result<Json<EventItem>, ApiError> {
    let event = api.store.event(id).await?.ok_or(ApiError::NotFound("event"))?;
    Ok(Json(event.into()))
}
