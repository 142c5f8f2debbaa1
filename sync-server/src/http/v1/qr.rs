//! A text as a QR code: claim codes and second factors are read by a phone or a camera. In the body of a `POST`, since
//! what is drawn is mostly secret, and kept nowhere.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::auth::Caller;
use crate::http::extract::Valid;
use crate::http::once::ShownOnce;
use crate::http::problem::{ApiError, Problem};

/// Longest text, bytes: what a phone still reads from a screen.
const MOST_BYTES: usize = 1000;
/// Width of the picture, in its own units.
const SIZE: u32 = 240;

/// What is to be drawn.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Drawn {
    /// The text, 1 to 1000 bytes.
    #[garde(length(bytes, min = 1, max = MOST_BYTES))]
    #[schema(min_length = 1, max_length = 1000)]
    text: String,
}

/// A text as a QR code, for a screen.
#[utoipa::path(post, path = "/api/v1/qr", operation_id = "qr_create", tag = "me", security(("bearer" = [])),
    request_body = Drawn, responses(
        (status = 200, description = "The picture, black on white", body = String, content_type = "image/svg+xml"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.qr.create", skip_all)]
pub async fn create(_caller: Caller, Valid(drawn): Valid<Drawn>) -> Result<Response, ApiError> {
    let too_long = |_| ApiError::Invalid { field: "text", detail: format!("at most {MOST_BYTES} bytes") };
    let code = QrCode::with_error_correction_level(drawn.text.as_bytes(), EcLevel::M).map_err(too_long)?;
    let picture = code.render::<svg::Color<'_>>().min_dimensions(SIZE, SIZE).build();
    let mut answer = ([(CONTENT_TYPE, "image/svg+xml")], picture).into_response();
    answer.extensions_mut().insert(ShownOnce);
    Ok(answer)
}
