//! A page of events.

use axum::Json;
use axum::extract::State;
use ostiary_common::ids::{DeviceId, DoorId, PersonId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::item::EventItem;
use crate::domain::access::may::EventsRead;
use crate::domain::event::{EventFilter, EventKind, Page};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::Queried;
use crate::http::paging;
use crate::http::problem::{ApiError, Problem};

/// Which events.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Events of a page, 1 to 500.
    limit: Option<u32>,
    /// The newest first, below this cursor.
    before: Option<i64>,
    /// The oldest first, above this cursor; not together with `before`.
    after: Option<i64>,
    /// `match`, `unknown`, `spoof_suspected`, `unusable` or `report`.
    kind: Option<String>,
    /// Of this device.
    device: Option<Uuid>,
    /// At this door.
    door: Option<Uuid>,
    /// Matches of this person.
    person: Option<Uuid>,
}

/// A page of events.
#[derive(Serialize, ToSchema)]
pub struct Events {
    /// The events.
    items: Vec<EventItem>,
    /// The cursor to pass as `before` (or `after`, if that was asked) for the next page; absent on the last.
    next: Option<i64>,
}

/// A page of events: the newest first, or from `after` on the oldest first.
#[utoipa::path(get, path = "/api/v1/events", operation_id = "events_list", tag = "events", security(("bearer" = [])), params(Wanted),
    responses(
        (status = 200, description = "The events", body = Events),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn list(
    State(api): State<Api>,
    may: May<EventsRead>,
    Queried(wanted): Queried<Wanted>,
) -> Result<Json<Events>, ApiError> {
    let limit = paging::limit(wanted.limit)?;
    let events = api.within.events_within(&may.reach, &filter(&wanted)?, page(&wanted)?, limit).await?;
    let full = events.len() == limit as usize;
    let next = events.last().filter(|_| full).map(|event| event.cursor);
    Ok(Json(Events { items: events.into_iter().map(EventItem::from).collect(), next }))
}

fn page(wanted: &Wanted) -> Result<Page, ApiError> {
    match (wanted.before, wanted.after) {
        (Some(_), Some(_)) => Err(ApiError::Invalid { field: "after", detail: "not together with `before`".into() }),
        (None, Some(after)) => Ok(Page::After(after)),
        (before, None) => Ok(Page::Before(before)),
    }
}

fn filter(wanted: &Wanted) -> Result<EventFilter, ApiError> {
    let allowed = "must be match, unknown, spoof_suspected, unusable or report";
    let parse =
        |kind: &String| EventKind::parse(kind).ok_or(ApiError::Invalid { field: "kind", detail: allowed.into() });
    Ok(EventFilter {
        device: wanted.device.map(DeviceId),
        door: wanted.door.map(DoorId),
        person: wanted.person.map(PersonId),
        kind: wanted.kind.as_ref().map(parse).transpose()?,
    })
}
