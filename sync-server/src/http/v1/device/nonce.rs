//! A nonce to sign.

use axum::Json as JsonAnswer;
use axum::extract::State;
use ostiary_common::identity::NonceResponse;

use super::bodies::Asking;
use crate::http::api::Api;
use crate::http::extract::{ClientAddress, Valid};
use crate::http::problem::{ApiError, Problem};

/// Get a nonce to sign, good for two minutes.
#[utoipa::path(post, path = "/api/v1/device/nonce", operation_id = "device_nonce", tag = "device",
    request_body(content = Object, description = "`device`"),
    responses(
        (status = 200, description = "`nonce`", body = Object),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn nonce(
    State(api): State<Api>,
    address: ClientAddress,
    Valid(Asking(body)): Valid<Asking>,
) -> Result<JsonAnswer<NonceResponse>, ApiError> {
    api.limits.renewal(address).await?;
    api.limits.claimed_device(body.device, address).await?;
    Ok(JsonAnswer(NonceResponse { nonce: api.devices.nonce(body.device) }))
}
