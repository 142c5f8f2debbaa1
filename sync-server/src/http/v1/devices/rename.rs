//! Renaming a device.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use ostiary_common::ids::DeviceId;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::view::DeviceView;
use crate::domain::access::may::DevicesManage;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::http::v1::name;

/// What is to change of a device; what is left out stays as it is.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct DevicePatch {
    /// Name, unique, 1 to 100 characters.
    #[garde(inner(custom(rules::name)))]
    #[schema(example = "cam-1")]
    name: Option<String>,
}

/// Rename a device.
#[utoipa::path(patch, path = "/api/v1/devices/{id}", operation_id = "devices_update", tag = "devices",
    security(("bearer" = [])), request_body = DevicePatch,
    params(("id" = uuid::Uuid, Path, description = "The device")),
    responses(
        (status = 200, description = "The device as it is now", body = DeviceView),
        (status = 409, description = "`taken`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.devices.update", skip_all, fields(device.id = %id))]
pub async fn rename(
    State(api): State<Api>,
    may: May<DevicesManage>,
    InPath(id): InPath<DeviceId>,
    Valid(body): Valid<DevicePatch>,
) -> Result<Json<DeviceView>, ApiError> {
    let mut device = may.device(id).await?;
    if let Some(text) = body.name {
        let name = name(&text)?;
        let (was, became) = (json!({ "name": device.name }), json!({ "name": name }));
        let note = api.note(&may.caller, "device.update", format!("device:{id}"), Some(was), Some(became));
        if !api.store.rename_device(id, &name, &note).await? {
            return Err(ApiError::NotFound("device"));
        }
        device.name = name;
    }
    let current = api.store.truth(id, &api.pack).await?;
    let life = api.lives.life(id).await?;
    Ok(Json(DeviceView::new(device, life, current)))
}
