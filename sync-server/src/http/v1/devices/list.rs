//! All devices.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::DeviceView;
use crate::domain::access::may::DevicesRead;
use crate::http::api::Api;
use crate::http::auth::May;
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
pub async fn list(State(api): State<Api>, may: May<DevicesRead>) -> Result<Json<Devices>, ApiError> {
    let standings = api.store.standings(&api.pack).await?;
    let truths: HashMap<_, _> = standings.into_iter().map(|s| (s.root.device, s.truth)).collect();
    let lives = api.lives.lives().await?;
    let mut items = Vec::new();
    for device in api.within.devices_within(&may.reach).await? {
        let truth = match truths.get(&device.id) {
            Some(truth) => *truth,
            // Made since.
            None => api.store.truth(device.id, &api.pack).await?,
        };
        let life = lives.get(&device.id).copied().unwrap_or_default();
        items.push(DeviceView::new(device, life, truth));
    }
    Ok(Json(Devices { items }))
}
