//! One unknown visitor.

use axum::Json;
use ostiary_common::ids::UnknownId;

use super::view::UnknownView;
use crate::domain::access::may::EventsRead;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// One unknown visitor, or the one it turned out to be: the answer's `id` says which.
#[utoipa::path(get, path = "/api/v1/unknowns/{id}", operation_id = "unknowns_read", tag = "unknowns",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The unknown visitor")),
    responses(
        (status = 200, description = "The unknown visitor", body = UnknownView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn read(may: May<EventsRead>, InPath(id): InPath<UnknownId>) -> Result<Json<UnknownView>, ApiError> {
    Ok(Json(may.unknown(id).await?.into()))
}
