//! One event.

use axum::Json;
use ostiary_common::ids::EventId;

use super::item::EventItem;
use crate::domain::access::may::EventsRead;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// One event.
#[utoipa::path(get, path = "/api/v1/events/{id}", operation_id = "events_read", tag = "events", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The event")),
    responses(
        (status = 200, description = "The event", body = EventItem),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn read(may: May<EventsRead>, InPath(id): InPath<EventId>) -> Result<Json<EventItem>, ApiError> {
    Ok(Json(may.event(id).await?.into()))
}
