//! Shutting a device out for good.

use axum::extract::State;
use axum::http::StatusCode;
use ostiary_common::ids::DeviceId;
use ostiary_common::topics::DeviceRoot;

use crate::domain::access::may::DevicesManage;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// Revoke a device: its tokens are refused from now on, its session ends within seconds, its certificates are on the
/// list of revoked ones, and what the broker keeps of it is cleared. There is no way back; add a new device instead.
#[utoipa::path(post, path = "/api/v1/devices/{id}/revoke", operation_id = "devices_revoke", tag = "devices", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The device")),
    responses(
        (status = 204, description = "Revoked"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.devices.revoke", skip_all, fields(device.id = %id))]
pub async fn revoke(
    State(api): State<Api>,
    may: May<DevicesManage>,
    InPath(id): InPath<DeviceId>,
) -> Result<StatusCode, ApiError> {
    let device = may.device(id).await?;
    if !api.store.revoke_device(id, api.now()).await? {
        return Err(ApiError::NotFound("device"));
    }
    shut_out(&api, device.root()).await;
    api.audit_done(&may.caller, "device.revoke", format!("device:{id}"), String::new()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What follows for a device that is revoked in the store already.
pub(super) async fn shut_out(api: &Api, root: DeviceRoot) {
    api.link.kick(root.device);
    api.link.departed(root);
    api.revocations.refresh().await;
}
