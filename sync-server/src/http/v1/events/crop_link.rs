//! A link to the picture of an event, for pages that cannot send headers.

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use ostiary_common::ids::EventId;
use ostiary_common::time::UnixMillis;
use serde::Serialize;
use utoipa::ToSchema;

use super::crop::jpeg_within;
use crate::domain::access::Permission;
use crate::domain::access::may::EventsRead;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, ValidQuery};
use crate::http::links::{LIFE_S, Link, Signed};
use crate::http::problem::{ApiError, Problem};

/// A link.
#[derive(Serialize, ToSchema)]
pub struct CropLink {
    /// The path with its query, from the root of this server; it needs no header.
    url: String,
    /// When it ends.
    expires_at: String,
}

/// A link to the picture of an event, good for ten minutes and for this account alone.
#[utoipa::path(post, path = "/api/v1/events/{id}/crop/link", operation_id = "events_crop_link", tag = "events",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The event")),
    responses((status = 201, description = "The link", body = CropLink)))]
#[tracing::instrument(name = "http.v1.events.crop_link", skip_all, fields(event.id = %id))]
pub async fn link(
    State(api): State<Api>,
    may: May<EventsRead>,
    InPath(id): InPath<EventId>,
) -> Result<(StatusCode, Json<CropLink>), ApiError> {
    may.event(id).await?;
    let expires = api.now().as_unix_seconds() + LIFE_S;
    let path = path(id);
    let url = Link { path: &path, account: may.caller.account, expires }.sign(&api.links);
    let expires_at = UnixMillis::from_unix_seconds(expires).to_rfc3339();
    Ok((StatusCode::CREATED, Json(CropLink { url, expires_at })))
}

/// The picture of an event, by a link from `/api/v1/events/{id}/crop/link`.
#[utoipa::path(get, path = "/api/v1/media/events/{id}/crop", operation_id = "media_event_crop", tag = "events",
    params(("id" = uuid::Uuid, Path, description = "The event"), Signed),
    responses(
        (status = 200, description = "JPEG", content_type = "image/jpeg", body = Vec<u8>),
        (status = 403, description = "`not-allowed`: the link is not good, or not any more", body = Problem,
            content_type = "application/problem+json")
    ))]
pub async fn open(
    State(api): State<Api>,
    InPath(id): InPath<EventId>,
    ValidQuery(signed): ValidQuery<Signed>,
) -> Result<Response, ApiError> {
    let reach = signed.reach(&api, &path(id), Permission::EventsRead).await?;
    let jpeg = jpeg_within(&api, &reach, id).await?.ok_or(ApiError::NotFound("picture"))?;
    let left_s = signed.left_s(api.now());
    let cache = HeaderValue::try_from(format!("private, max-age={left_s}")).expect("words and digits make a header");
    Ok(([(CONTENT_TYPE, HeaderValue::from_static("image/jpeg")), (CACHE_CONTROL, cache)], jpeg).into_response())
}

fn path(id: EventId) -> String {
    format!("/api/v1/media/events/{id}/crop")
}
