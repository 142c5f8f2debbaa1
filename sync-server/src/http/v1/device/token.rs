//! A new device token for a signed assertion.

use axum::Json as JsonAnswer;
use axum::extract::State;
use ostiary_common::identity::TokenResponse;

use super::bodies::Renewal;
use crate::http::api::Api;
use crate::http::extract::{ClientAddress, Valid};
use crate::http::problem::{ApiError, Problem};
use crate::identity::devices::RenewError;

/// Get a new token.
#[utoipa::path(post, path = "/api/v1/device/token", operation_id = "device_token", tag = "device",
    request_body(content = Object, description = "`assertion`, a JWT signed by the device's key (EdDSA); `standing` \
        (`session`, `stream`, `last_seq`, `gallery_rev`) while nothing is under way; `csr_pem` when the certificate is due"),
    responses(
        (status = 200, description = "`token`, `expires_at`, `server_time`, `session_floor`, `posting`, `restored`, \
            `gallery_key`, `certificate_pem`", body = Object),
        (status = 401, description = "`renewal-refused`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not-allowed`: the device is revoked", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.device.token", skip_all)]
pub async fn token(
    State(api): State<Api>,
    address: ClientAddress,
    Valid(Renewal(body)): Valid<Renewal>,
) -> Result<JsonAnswer<TokenResponse>, ApiError> {
    api.limits.renewal(address).await?;
    let renewed = api.devices.renew(&body).await.map_err(|error| {
        api.refuse("anonymous".into(), address, "device.token", "", error.to_string());
        match error {
            RenewError::Store(error) => error.into(),
            RenewError::Device(state) => ApiError::NotAllowed(format!("device is {state}")),
            other => ApiError::DeviceRefused { slug: "renewal-refused", detail: other.to_string() },
        }
    })?;
    let device = renewed.device.id;
    api.limits.device(device).await?;
    tracing::debug!(device.id = %device, "device {device} renewed its token");
    if let Some(behind) = renewed.behind {
        tracing::warn!(device.id = %device, "the memory of {device} is older than it should be: {behind}");
        let actor = format!("device:{device}");
        api.audit(actor.clone(), address, "device.restored", actor, behind.to_string()).await?;
    }
    if renewed.has_new_certificate {
        let actor = format!("device:{device}");
        api.audit(actor.clone(), address, "device.certificate", actor, String::new()).await?;
        api.revocations.refresh().await;
    }
    Ok(JsonAnswer(renewed.response))
}
