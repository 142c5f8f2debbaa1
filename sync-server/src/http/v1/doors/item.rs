//! One door: look at it, rename it, remove it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use ostiary_common::ids::DoorId;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::list::DoorView;
use crate::domain::access::may::{DoorsManage, DoorsRead};
use crate::domain::device::Door;
use crate::domain::recognition::Change;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::etag::{IfMatch, etag};
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::http::v1::{name, removed};

/// What is to change of a door; what is left out stays as it is.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct DoorPatch {
    /// Name, unique within the site, 1 to 100 characters.
    #[garde(inner(custom(rules::name)))]
    #[schema(example = "Main entrance")]
    name: Option<String>,
}

/// One door.
#[utoipa::path(get, path = "/api/v1/doors/{id}", operation_id = "doors_read", tag = "devices",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The door")),
    responses((status = 200, description = "The door; the `ETag` is its version", body = DoorView)))]
pub async fn read(
    State(api): State<Api>,
    may: May<DoorsRead>,
    InPath(id): InPath<DoorId>,
) -> Result<Response, ApiError> {
    let door = may.door(id).await?;
    answer(&api, door).await
}

/// Rename a door.
#[utoipa::path(patch, path = "/api/v1/doors/{id}", operation_id = "doors_update", tag = "devices",
    security(("bearer" = [])), request_body = DoorPatch,
    params(("id" = uuid::Uuid, Path, description = "The door"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` the change was made against")),
    responses(
        (status = 200, description = "The door as it is now", body = DoorView),
        (status = 409, description = "`taken`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.doors.update", skip_all, fields(door.id = %id))]
pub async fn update(
    State(api): State<Api>,
    may: May<DoorsManage>,
    InPath(id): InPath<DoorId>,
    IfMatch(expected): IfMatch,
    Valid(body): Valid<DoorPatch>,
) -> Result<Response, ApiError> {
    let mut door = may.door(id).await?;
    if let Some(text) = body.name {
        let name = name(&text)?;
        let (was, became) = (json!({ "name": door.name }), json!({ "name": name }));
        let note = api.note(&may.caller, "door.update", format!("door:{id}"), Some(was), Some(became));
        let change = Change { expected, now: api.now() };
        api.store.rename_door(id, &name, change, &note).await?.ok_or(ApiError::NotFound("door"))?;
        door.name = name;
    }
    answer(&api, door).await
}

/// Remove a door that no device watches or ever watched. Events keep the id of the door they were seen at, which is why
/// one with a history stays.
#[utoipa::path(delete, path = "/api/v1/doors/{id}", operation_id = "doors_delete", tag = "devices",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The door")),
    responses(
        (status = 204, description = "Removed"),
        (status = 409, description = "`in-use`: `counts` says what hangs on it", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.doors.delete", skip_all, fields(door.id = %id))]
pub async fn delete(
    State(api): State<Api>,
    may: May<DoorsManage>,
    InPath(id): InPath<DoorId>,
) -> Result<StatusCode, ApiError> {
    let door = may.door(id).await?;
    let was = json!({ "name": door.name, "site": door.site.0 });
    let note = api.note(&may.caller, "door.delete", format!("door:{id}"), Some(was), None);
    removed("door", api.store.remove_door(id, &note).await?)
}

async fn answer(api: &Api, door: Door) -> Result<Response, ApiError> {
    let version = api.store.door_version(door.id).await?.ok_or(ApiError::NotFound("door"))?;
    Ok((etag(version), axum::Json(DoorView::from(door))).into_response())
}
