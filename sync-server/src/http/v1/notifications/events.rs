//! The events gathered in a notification.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use ostiary_common::ids::EventId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::domain::notify::NoticeId;
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::extract::{InPath, ValidQuery};
use crate::http::paging;
use crate::http::problem::{ApiError, Problem};

/// Which page.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Events of a page, 1 to 500.
    #[garde(range(min = 1, max = paging::MAX_LIMIT))]
    limit: Option<u32>,
    /// `next` of the page before.
    #[garde(skip)]
    after: Option<Uuid>,
}

/// An event gathered in a notification.
#[derive(Serialize, ToSchema)]
pub struct GatheredEvent {
    /// The event, at `/api/v1/events/{id}`.
    id: Uuid,
    /// When it happened.
    at: String,
}

/// A page of events, in order of id.
#[derive(Serialize, ToSchema)]
pub struct GatheredEvents {
    /// The events.
    items: Vec<GatheredEvent>,
    /// Pass it as `after` for the next page; absent on the last.
    next: Option<Uuid>,
}

/// The events gathered in a notification: every one of them, however few messages told of them.
#[utoipa::path(get, path = "/api/v1/notifications/{id}/events", operation_id = "notifications_events",
    tag = "notifications", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The notification"), Page),
    responses(
        (status = 200, description = "The events", body = GatheredEvents),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    InPath(id): InPath<NoticeId>,
    ValidQuery(page): ValidQuery<Page>,
) -> Result<Json<GatheredEvents>, ApiError> {
    let limit = paging::limit(page.limit)?;
    super::found(&api, &caller, id).await?;
    let events = api.notices.store.notice_events(id, page.after.map(EventId), limit).await?;
    let full = events.len() == limit as usize;
    let items: Vec<GatheredEvent> =
        events.into_iter().map(|(id, at)| GatheredEvent { id: id.0, at: at.to_rfc3339() }).collect();
    Ok(Json(GatheredEvents { next: items.last().map(|last| last.id).filter(|_| full), items }))
}
