//! A new device with its claim code.

use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use ostiary_common::ids::{DeviceId, DoorId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::DeviceView;
use crate::domain::access::may::DevicesManage;
use crate::domain::device::Device;
use crate::domain::device_life::DeviceLife;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::Valid;
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::http::v1::name;
use crate::identity::devices::NewClaimCode;

/// A new device.
#[derive(Deserialize, ToSchema, Validate)]
pub struct NewDevice {
    /// Name, unique, 1 to 100 characters.
    #[garde(custom(rules::name))]
    #[schema(example = "cam-1")]
    name: String,
    /// The door it watches.
    #[garde(skip)]
    door: Uuid,
}

/// A device and what its installer needs: `ostiaryd claim --server … --code … --ca-sha256 …`.
#[derive(Serialize, ToSchema)]
pub struct DeviceAdded {
    /// The device.
    device: DeviceView,
    /// To be used once, before it ends. It is shown only here.
    #[schema(example = "4F7K-9XQ2-ZB3M")]
    claim_code: String,
    /// When the code ends.
    claim_expires_at: String,
    /// SHA-256 of the server's CA, by which the device knows the server.
    ca_sha256: String,
}

/// Add a device.
#[utoipa::path(post, path = "/api/v1/devices", operation_id = "devices_create", tag = "devices", security(("bearer" = [])), request_body = NewDevice,
    responses(
        (status = 201, description = "Added", body = DeviceAdded),
        (status = 404, description = "No such door", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`taken`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.devices.create", skip_all)]
pub async fn create(
    State(api): State<Api>,
    may: May<DevicesManage>,
    Valid(body): Valid<NewDevice>,
) -> Result<(StatusCode, axum::Json<DeviceAdded>), ApiError> {
    let name = name(&body.name)?;
    let door = may.door(DoorId(body.door)).await?;
    let device = Device::pending(DeviceId::generate(), name, &door, api.now());
    api.store.add_device(&device).await?;
    api.audit_done(&may.caller, "device.create", format!("device:{}", device.id), String::new()).await?;
    let code = api.devices.new_claim_code(device.id).await?;
    let current = api.store.truth(device.id, &api.pack).await?;
    // As stored: it begins with what its door says.
    let device = api.store.device(device.id).await?.ok_or(ApiError::NotFound("device"))?;
    let view = DeviceView::new(device, DeviceLife::default(), current);
    Ok((StatusCode::CREATED, axum::Json(DeviceAdded::new(&api, view, &code))))
}

impl DeviceAdded {
    /// The device with its code.
    pub(super) fn new(api: &Api, device: DeviceView, code: &NewClaimCode) -> Self {
        Self {
            device,
            claim_code: code.code.to_string(),
            claim_expires_at: code.expires_at.to_rfc3339(),
            ca_sha256: api.authority.certificate_sha256().to_owned(),
        }
    }
}
