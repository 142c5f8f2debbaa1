//! A new device proves itself with its one-time code and gets its identity.

use axum::Json as JsonAnswer;
use axum::extract::State;
use ostiary_common::identity::ClaimResponse;

use super::bodies::Claim;
use crate::http::api::Api;
use crate::http::extract::{ClientAddress, Valid};
use crate::http::problem::{ApiError, Problem};
use crate::identity::devices::ClaimError;

/// Claim an identity with a one-time code.
#[utoipa::path(post, path = "/api/v1/device/claim", operation_id = "device_claim", tag = "device",
    request_body(content = Object, description = "`code`, `public_key_pem` (Ed25519), `csr_pem`, `hardware`, `version`"),
    responses(
        (status = 200, description = "`device`, `site`, `door`, `name`, `broker_url`, `ca_pem`, `certificate_pem`,
            `token`", body = Object),
        (status = 401, description = "`claim-refused`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`: the key", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.device.claim", skip_all)]
pub async fn claim(
    State(api): State<Api>,
    address: ClientAddress,
    Valid(Claim(body)): Valid<Claim>,
) -> Result<JsonAnswer<ClaimResponse>, ApiError> {
    let refused = |why: &str| api.refuse("anonymous".into(), address, "device.claim", "", why.into());
    api.limits.claim(address).await.inspect_err(|_| refused("too many attempts"))?;
    let (device, response) = api.devices.claim(&body).await.map_err(|error| match error {
        ClaimError::Code => {
            refused("no such claim code");
            ApiError::DeviceRefused { slug: "claim-refused", detail: error.to_string() }
        }
        ClaimError::Key(error) => ApiError::Invalid { field: "public_key_pem", detail: error.to_string() },
        ClaimError::Store(error) => error.into(),
    })?;
    let detail = format!("{} ({})", cut(&body.hardware), cut(&body.version));
    api.audit(format!("device:{}", device.id), address, "device.claim", format!("device:{}", device.id), detail)
        .await?;
    api.revocations.refresh().await;
    // A board claimed anew replaces one that may still be connected.
    api.link.kick(device.id);
    // What its door and the installation say waits for it; nothing is sent to a device that is not active.
    api.link.config_changed(device.id);
    tracing::info!(device.id = %device.id, "device {} was claimed", device.id);
    Ok(JsonAnswer(response))
}

/// What a stranger says of itself, short enough and clean enough for the log.
fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}
