//! A camera's enrollments.

use axum::Json;
use axum::extract::State;
use ostiary_common::ids::DeviceId;

use super::view::{EnrollmentView, Enrollments};
use crate::domain::access::may::PersonsManage;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// As many as are shown; what is older is for the audit log.
const MOST: u32 = 50;

/// The latest enrollments at a camera, of persons this account may see.
#[utoipa::path(get, path = "/api/v1/devices/{id}/enrollments", operation_id = "devices_enrollments", tag = "captures",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The camera")),
    responses(
        (status = 200, description = "The newest first, at most 50", body = Enrollments),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn list(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<DeviceId>,
) -> Result<Json<Enrollments>, ApiError> {
    let device = may.device(id).await?;
    let circle = may.circle().await?;
    let mut items = Vec::new();
    for standing in api.doors.of_device(&device, MOST).await? {
        let person = api.store.person(standing.enrollment.person).await?;
        if person.is_some_and(|person| circle.admits(&person.groups)) {
            items.push(EnrollmentView::from(standing));
        }
    }
    Ok(Json(Enrollments { items }))
}
