//! One device.

use axum::Json;
use axum::extract::State;
use ostiary_common::ids::DeviceId;

use super::view::DeviceView;
use crate::domain::access::may::DevicesRead;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// One device, with what was last heard of it and whether it holds the present gallery.
#[utoipa::path(get, path = "/api/v1/devices/{id}", operation_id = "devices_read", tag = "devices", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The device")),
    responses(
        (status = 200, description = "The device", body = DeviceView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn read(
    State(api): State<Api>,
    may: May<DevicesRead>,
    InPath(id): InPath<DeviceId>,
) -> Result<Json<DeviceView>, ApiError> {
    let device = may.device(id).await?;
    let current = api.store.truth(id, &api.pack).await?;
    let life = api.lives.life(id).await?;
    Ok(Json(DeviceView::new(device, life, current)))
}
