//! One capture.

use axum::Json;
use axum::extract::State;
use ostiary_common::ids::CaptureId;

use super::view::CaptureView;
use super::{failed, own};
use crate::domain::access::may::PersonsManage;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// How a capture stands.
#[utoipa::path(get, path = "/api/v1/captures/{id}", operation_id = "captures_read", tag = "captures",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The capture")),
    responses(
        (status = 200, description = "The capture", body = CaptureView),
        (status = 404, description = "`not-found`: never begun, over, or another account's", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: a frame is being looked at", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`consent-missing`: withdrawn since it began", body = Problem,
            content_type = "application/problem+json")
    ))]
pub async fn read(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<CaptureId>,
) -> Result<Json<CaptureView>, ApiError> {
    let (held, _) = own(&may, id).await?;
    Ok(Json(api.captures.standing(&held).map_err(failed)?.into()))
}
