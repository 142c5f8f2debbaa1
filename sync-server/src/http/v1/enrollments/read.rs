//! One enrollment at a door.

use axum::Json;
use ostiary_common::ids::EnrollmentId;

use super::own;
use super::view::EnrollmentView;
use crate::domain::access::may::PersonsManage;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// How an enrollment at a door goes, or what became of it.
#[utoipa::path(get, path = "/api/v1/enrollments/{id}", operation_id = "enrollments_read", tag = "captures",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The enrollment")),
    responses(
        (status = 200, description = "The enrollment", body = EnrollmentView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn read(may: May<PersonsManage>, InPath(id): InPath<EnrollmentId>) -> Result<Json<EnrollmentView>, ApiError> {
    Ok(Json(own(&may, id).await?.into()))
}
