//! Letting a device watch another door.

use axum::extract::State;
use garde::Validate;
use ostiary_common::ids::{DeviceId, DoorId};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::DeviceView;
use crate::domain::access::may::DevicesManage;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};

/// Where a device goes.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewPlace {
    /// The door it watches from now on.
    #[garde(skip)]
    door: Uuid,
}

/// Let a device watch another door, of its site or another. It takes over what that door says of recognition, and holds
/// the gallery of that door; events already stored stay with the door they were seen at. Its session ends, and it comes
/// back at its new place with a new token within seconds; events that wait on it are not lost.
#[utoipa::path(put, path = "/api/v1/devices/{id}/door", operation_id = "devices_move", tag = "devices",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The device")), request_body = NewPlace,
    responses(
        (status = 200, description = "Moved", body = DeviceView),
        (status = 404, description = "No such device or door", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: the device is revoked", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.devices.door", skip_all, fields(device.id = %id))]
pub async fn set_door(
    State(api): State<Api>,
    may: May<DevicesManage>,
    InPath(id): InPath<DeviceId>,
    Valid(place): Valid<NewPlace>,
) -> Result<axum::Json<DeviceView>, ApiError> {
    let door = may.door(DoorId(place.door)).await?;
    let before = may.device(id).await?;
    if !api.store.move_device(id, door.id, api.now()).await? {
        return Err(ApiError::WrongState("this device is revoked; add a new device instead".into()));
    }
    if before.door != door.id {
        api.link.kick(id);
    }
    if before.site != door.site {
        api.link.departed(before.root());
    }
    api.link.config_changed(id);
    api.tell_gallery(Some(api.store.revision().await?));
    let detail = format!("door:{} before", before.door);
    api.audit_done(&may.caller, "device.move", format!("device:{id}"), format!("door:{}, {detail}", door.id)).await?;
    let device = api.store.device(id).await?.ok_or(ApiError::NotFound("device"))?;
    let current = api.store.truth(id, &api.pack).await?;
    let life = api.lives.life(id).await?;
    Ok(axum::Json(DeviceView::new(device, life, current)))
}
