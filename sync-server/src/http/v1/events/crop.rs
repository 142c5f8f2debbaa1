//! The picture sent with an event.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use ostiary_common::ids::EventId;

use crate::domain::access::Reach;
use crate::domain::access::may::EventsRead;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};
use crate::ports::StoreError;

/// What every JPEG begins with.
const JPEG_MAGIC: &[u8] = &[0xFF, 0xD8, 0xFF];

/// The small picture of the face, if the door's policy sends them.
#[utoipa::path(get, path = "/api/v1/events/{id}/crop", operation_id = "events_crop", tag = "events", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The event")),
    responses(
        (status = 200, description = "JPEG", content_type = "image/jpeg", body = Vec<u8>),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn crop(
    State(api): State<Api>,
    may: May<EventsRead>,
    InPath(id): InPath<EventId>,
) -> Result<Response, ApiError> {
    let jpeg = may.found(jpeg_within(&api, &may.reach, id).await?, "picture")?;
    Ok(([("content-type", "image/jpeg")], jpeg).into_response())
}

/// The picture of an event within a reach.
pub(super) async fn jpeg_within(api: &Api, reach: &Reach, id: EventId) -> Result<Option<Vec<u8>>, StoreError> {
    // Devices send it, and a device may be taken over: what is not a JPEG is not handed to a browser.
    Ok(api.within.crop_within(reach, id).await?.filter(|bytes| bytes.starts_with(JPEG_MAGIC)))
}
