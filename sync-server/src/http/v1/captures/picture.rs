//! A look that was taken, to be seen by whoever approves it.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use ostiary_common::ids::CaptureId;

use super::own;
use crate::domain::access::may::PersonsManage;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// The aligned face of a look, small.
#[utoipa::path(get, path = "/api/v1/captures/{id}/shots/{number}", operation_id = "captures_picture", tag = "captures",
    security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The capture"), ("number" = usize, Path, description = "The look")),
    responses(
        (status = 200, description = "JPEG", content_type = "image/jpeg", body = Vec<u8>),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`consent-missing`: withdrawn since it began", body = Problem,
            content_type = "application/problem+json")
    ))]
pub async fn picture(
    may: May<PersonsManage>,
    InPath((id, number)): InPath<(CaptureId, usize)>,
) -> Result<Response, ApiError> {
    let (held, _) = own(&may, id).await?;
    let jpeg = held.picture(number).await.ok_or(ApiError::NotFound("look"))?;
    Ok(([(CONTENT_TYPE, "image/jpeg")], jpeg).into_response())
}
