//! One job.

use axum::Json;
use axum::extract::State;

use super::view::JobView;
use crate::domain::access::may::JobsRead;
use crate::domain::job::JobId;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// One job, and how far it is.
#[utoipa::path(get, path = "/api/v1/jobs/{id}", operation_id = "jobs_read", tag = "jobs", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The job")),
    responses(
        (status = 200, description = "The job", body = JobView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn read(
    State(api): State<Api>,
    may: May<JobsRead>,
    InPath(id): InPath<JobId>,
) -> Result<Json<JobView>, ApiError> {
    Ok(Json(JobView::of(&may.job(id).await?, api.now())))
}
