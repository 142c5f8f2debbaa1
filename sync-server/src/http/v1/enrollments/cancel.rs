//! Stopping an enrollment at a door.

use axum::extract::State;
use axum::http::StatusCode;
use ostiary_common::ids::EnrollmentId;

use super::own;
use crate::domain::access::may::PersonsManage;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// Stop an enrollment at a door; nothing is made of what was taken.
#[utoipa::path(post, path = "/api/v1/enrollments/{id}/cancel", operation_id = "enrollments_cancel", tag = "captures",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The enrollment")),
    responses(
        (status = 204, description = "Stopped"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: it is over", body = Problem,
            content_type = "application/problem+json")
    ))]
pub async fn cancel(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<EnrollmentId>,
) -> Result<StatusCode, ApiError> {
    let standing = own(&may, id).await?;
    if !api.doors.cancel(&standing.enrollment).await? {
        return Err(ApiError::WrongState("this enrollment is over".into()));
    }
    let one = &standing.enrollment;
    api.audit_done(&may.caller, "person.capture_cancel", format!("person:{}", one.person), format!("enrollment:{id}"))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
