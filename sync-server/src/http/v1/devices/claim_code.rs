//! A new claim code for a device that is there already: a new board or a new card.

use axum::Json;
use axum::extract::State;
use ostiary_common::ids::DeviceId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::access::may::DevicesManage;
use crate::domain::device::DeviceState;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// A claim code.
#[derive(Serialize, ToSchema)]
pub struct CodeView {
    /// To be used once, before it ends. It is shown only here.
    claim_code: String,
    /// When the code ends.
    claim_expires_at: String,
    /// SHA-256 of the server's CA, by which the device knows the server.
    ca_sha256: String,
}

/// Make a new claim code; an older one is void.
#[utoipa::path(post, path = "/api/v1/devices/{id}/claim-code", operation_id = "devices_claim_code", tag = "devices", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The device")),
    responses(
        (status = 200, description = "The code", body = CodeView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: revoked", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.devices.claim_code", skip_all, fields(device.id = %id))]
pub async fn claim_code(
    State(api): State<Api>,
    may: May<DevicesManage>,
    InPath(id): InPath<DeviceId>,
) -> Result<Json<CodeView>, ApiError> {
    let device = may.device(id).await?;
    if device.state == DeviceState::Revoked {
        return Err(ApiError::WrongState("this device is revoked; add a new device instead".into()));
    }
    let code = api.devices.new_claim_code(id).await?;
    api.audit_done(&may.caller, "device.claim_code", format!("device:{id}"), String::new()).await?;
    Ok(Json(CodeView {
        claim_code: code.code.to_string(),
        claim_expires_at: code.expires_at.to_rfc3339(),
        ca_sha256: api.authority.certificate_sha256().to_owned(),
    }))
}
