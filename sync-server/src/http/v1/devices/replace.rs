//! A new unit in the place of a broken one.

use axum::extract::State;
use axum::http::StatusCode;
use ostiary_common::ids::DeviceId;

use super::create::DeviceAdded;
use super::revoke::shut_out;
use super::view::DeviceView;
use crate::domain::access::may::DevicesManage;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};
use crate::ports::StoreError;

/// Replace a device that is broken or lost: it is revoked and renamed, and a new device takes its name, its door and its
/// settings, waiting for its claim. What the old one reported stays with the old one; the two name each other.
#[utoipa::path(post, path = "/api/v1/devices/{id}/replace", operation_id = "devices_replace", tag = "devices", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The broken device")),
    responses(
        (status = 201, description = "The new device with its claim code", body = DeviceAdded),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: replaced already", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.devices.replace", skip_all, fields(device.id = %id))]
pub async fn replace(
    State(api): State<Api>,
    may: May<DevicesManage>,
    InPath(id): InPath<DeviceId>,
) -> Result<(StatusCode, axum::Json<DeviceAdded>), ApiError> {
    let old = may.device(id).await?;
    let replaced =
        api.lives.replace_device(id, DeviceId::generate(), api.now()).await.map_err(|error| match error {
            StoreError::Conflict("the device's place") => {
                ApiError::WrongState("this device was replaced already; replace its successor instead".into())
            }
            other => other.into(),
        })?;
    let successor = replaced.ok_or(ApiError::NotFound("device"))?;
    shut_out(&api, old.root()).await;
    let detail = format!("by device:{}", successor.id);
    api.audit_done(&may.caller, "device.replace", format!("device:{id}"), detail).await?;
    let code = api.devices.new_claim_code(successor.id).await?;
    let current = api.store.truth(successor.id, &api.pack).await?;
    let life = api.lives.life(successor.id).await?;
    let view = DeviceView::new(successor, life, current);
    Ok((StatusCode::CREATED, axum::Json(DeviceAdded::new(&api, view, &code))))
}
