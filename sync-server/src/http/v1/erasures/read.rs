//! One erasure, device by device.

use axum::Json;
use axum::extract::State;
use ostiary_common::ids::ErasureId;

use super::view::ErasureDetail;
use crate::domain::access::may::ErasuresRead;
use crate::http::api::Api;
use crate::http::auth::Throughout;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// One erasure: which devices have confirmed that the person is gone from them, and which are outstanding.
#[utoipa::path(get, path = "/api/v1/erasures/{id}", operation_id = "erasures_read", tag = "erasures", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The erasure")),
    responses(
        (status = 200, description = "The erasure", body = ErasureDetail),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn read(
    State(api): State<Api>,
    _may: Throughout<ErasuresRead>,
    InPath(id): InPath<ErasureId>,
) -> Result<Json<ErasureDetail>, ApiError> {
    let erasure = api.store.erasure(id).await?.ok_or(ApiError::NotFound("erasure"))?;
    let devices = api.store.erasure_devices(id).await?;
    Ok(Json(ErasureDetail::new(&erasure, devices)))
}
