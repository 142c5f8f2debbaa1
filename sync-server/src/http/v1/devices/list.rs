//! All devices.

use axum::Json;
use axum::extract::State;
use ostiary_common::ids::DeviceId;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::DeviceView;
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::problem::ApiError;

/// Devices, by name.
#[derive(Serialize, ToSchema)]
pub struct Devices {
    /// The devices.
    items: Vec<DeviceView>,
}

/// All devices, by name.
#[utoipa::path(get, path = "/api/v1/devices", operation_id = "devices_list", tag = "devices", security(("bearer" = [])),
    responses((status = 200, description = "The devices", body = Devices)))]
pub async fn list(State(api): State<Api>, _caller: Caller) -> Result<Json<Devices>, ApiError> {
    // Every device holds the same gallery for now, so it is asked for once.
    let current = api.store.digest(DeviceId(uuid::Uuid::nil()), &api.pack).await?;
    let items = api.store.devices().await?.into_iter().map(|d| DeviceView::new(d, current)).collect();
    Ok(Json(Devices { items }))
}
