//! Settings of a device.

use axum::extract::State;
use ostiary_common::ids::DeviceId;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::Settings;
use crate::domain::access::may::DevicesManage;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::recognition::values::{derivable, share, similarity};

/// What was set.
#[derive(Serialize, ToSchema)]
pub struct Configured {
    /// The new version, which the device reports once it is in force.
    version: u64,
    /// The settings.
    settings: Settings,
}

/// Set a device's own settings. What is left out is as its door says, or the installation, and else left to the
/// device.
#[utoipa::path(put, path = "/api/v1/devices/{id}/config", operation_id = "devices_configure", tag = "devices", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The device")), request_body = Settings,
    responses(
        (status = 200, description = "Set", body = Configured),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`, or `pack-not-calibrated`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.devices.configure", skip_all, fields(device.id = %id))]
pub async fn configure(
    State(api): State<Api>,
    may: May<DevicesManage>,
    InPath(id): InPath<DeviceId>,
    Valid(settings): Valid<Settings>,
) -> Result<axum::Json<Configured>, ApiError> {
    check(&settings)?;
    derivable(&api, settings.target_fpir)?;
    may.device(id).await?;
    let version = api.store.put_config(id, &settings.clone().into()).await?.ok_or(ApiError::NotFound("device"))?;
    api.link.config_changed(id);
    let detail = serde_json::to_string(&settings).unwrap_or_default();
    api.audit_done(&may.caller, "device.configure", format!("device:{id}"), detail).await?;
    Ok(axum::Json(Configured { version, settings }))
}

fn check(settings: &Settings) -> Result<(), ApiError> {
    let invalid = |field, detail: &str| Err(ApiError::Invalid { field, detail: detail.into() });
    similarity("match_threshold", settings.match_threshold)?;
    similarity("match_margin", settings.match_margin)?;
    share("target_fpir", settings.target_fpir)?;
    if !settings.min_face_px.is_none_or(|v| (20..=2000).contains(&v)) {
        return invalid("min_face_px", "must be 20 to 2000");
    }
    if !settings.health_interval_s.is_none_or(|v| (5..=3600).contains(&v)) {
        return invalid("health_interval_s", "must be 5 to 3600");
    }
    Ok(())
}
