//! Cancel, pause, resume, put back what was given up.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::view::JobView;
use crate::domain::access::may::JobsManage;
use crate::domain::job::JobId;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};

/// End a job at once. What has ended stays as it is; what has not never will.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/cancel", operation_id = "jobs_cancel", tag = "jobs", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The job")),
    responses(
        (status = 200, description = "Cancelled", body = JobView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: it is over", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.jobs.cancel", skip_all, fields(job.id = %id))]
pub async fn cancel(
    State(api): State<Api>,
    may: May<JobsManage>,
    InPath(id): InPath<JobId>,
) -> Result<Json<JobView>, ApiError> {
    may.job(id).await?;
    let cancelled = api.jobs.cancel(id).await?;
    changed(&api, &may, id, "job.cancel", cancelled, "it is over already").await
}

/// Stop a job until it is resumed. What is being worked on is done again then.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/pause", operation_id = "jobs_pause", tag = "jobs", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The job")),
    responses(
        (status = 200, description = "Paused", body = JobView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: it is not ready", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.jobs.pause", skip_all, fields(job.id = %id))]
pub async fn pause(
    State(api): State<Api>,
    may: May<JobsManage>,
    InPath(id): InPath<JobId>,
) -> Result<Json<JobView>, ApiError> {
    may.job(id).await?;
    let paused = api.jobs.pause(id).await?;
    changed(&api, &may, id, "job.pause", paused, "only a job that is `ready` can be paused").await
}

/// Let a paused job go on.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/resume", operation_id = "jobs_resume", tag = "jobs", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The job")),
    responses(
        (status = 200, description = "It goes on", body = JobView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: it is not paused", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.jobs.resume", skip_all, fields(job.id = %id))]
pub async fn resume(
    State(api): State<Api>,
    may: May<JobsManage>,
    InPath(id): InPath<JobId>,
) -> Result<Json<JobView>, ApiError> {
    may.job(id).await?;
    let resumed = api.jobs.resume(id).await?;
    changed(&api, &may, id, "job.resume", resumed, "only a job that is `paused` can be resumed").await
}

/// Which items are to be tried again.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct RetryItems {
    /// Numbers of items that failed too often, at most 500; absent means all of them.
    #[garde(length(max = 500))]
    #[serde(default)]
    items: Option<Vec<u64>>,
}

/// What was put back.
#[derive(Serialize, ToSchema)]
pub struct Retried {
    /// How many items are tried again.
    queued: u64,
}

/// Put items that failed too often back into the queue.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/retry", operation_id = "jobs_retry", tag = "jobs", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The job")), request_body = RetryItems,
    responses(
        (status = 200, description = "Queued again", body = Retried),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.jobs.retry", skip_all, fields(job.id = %id))]
pub async fn retry(
    State(api): State<Api>,
    may: May<JobsManage>,
    InPath(id): InPath<JobId>,
    Valid(body): Valid<RetryItems>,
) -> Result<Json<Retried>, ApiError> {
    may.job(id).await?;
    let queued = api.jobs.retry(id, body.items.as_deref()).await?;
    api.audit_done(&may.caller, "job.retry", format!("job:{id}"), format!("{queued} items")).await?;
    Ok(Json(Retried { queued }))
}

async fn changed(
    api: &Api,
    may: &May<JobsManage>,
    id: JobId,
    action: &str,
    done: bool,
    otherwise: &str,
) -> Result<Json<JobView>, ApiError> {
    let job = may.job(id).await?;
    if !done {
        return Err(ApiError::WrongState(format!("the job is `{}`; {otherwise}", job.state.as_str())));
    }
    api.audit_done(&may.caller, action, format!("job:{id}"), job.kind.as_str().to_owned()).await?;
    Ok(Json(JobView::of(&job, api.now())))
}
