//! A page of jobs.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::view::JobView;
use crate::domain::access::may::JobsRead;
use crate::domain::job::{JobId, JobKind, JobState};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::ValidQuery;
use crate::http::paging;
use crate::http::problem::{ApiError, Problem};
use crate::ports::jobs::JobFilter;

/// Which jobs.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Only of this kind: `photos`, `import`, `backup`.
    #[garde(length(max = 30))]
    kind: Option<String>,
    /// Only in this state: `filling`, `ready`, `paused`, `done`, `cancelled`.
    #[garde(length(max = 30))]
    state: Option<String>,
    /// Only those with items that failed too often.
    #[garde(skip)]
    #[serde(default)]
    dead: bool,
    /// Jobs of a page, 1 to 500.
    #[garde(range(min = 1, max = paging::MAX_LIMIT))]
    limit: Option<u32>,
    /// `next` of the page before.
    #[garde(skip)]
    before: Option<Uuid>,
}

/// A page of jobs, the newest first.
#[derive(Serialize, ToSchema)]
pub struct Jobs {
    /// The jobs.
    items: Vec<JobView>,
    /// Pass it as `before` for the next page; absent on the last.
    next: Option<Uuid>,
}

/// A page of jobs, the newest first: all of them with the permission over everything, else those asked for by this
/// account.
#[utoipa::path(get, path = "/api/v1/jobs", operation_id = "jobs_list", tag = "jobs", security(("bearer" = [])), params(Page),
    responses(
        (status = 200, description = "The jobs", body = Jobs),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn list(
    State(api): State<Api>,
    may: May<JobsRead>,
    ValidQuery(page): ValidQuery<Page>,
) -> Result<Json<Jobs>, ApiError> {
    let limit = paging::limit(page.limit)?;
    let unknown = |name| ApiError::InvalidQuery { name, detail: "is none of those allowed".into() };
    let kind = page.kind.map(|kind| JobKind::parse(&kind).ok_or_else(|| unknown("kind"))).transpose()?;
    let state = page.state.map(|state| JobState::parse(&state).ok_or_else(|| unknown("state"))).transpose()?;
    let account = (!may.reach.is_everything()).then_some(may.caller.account);
    let filter = JobFilter { account, kind, state, with_dead: page.dead };
    let jobs = api.jobs.store.jobs(&filter, page.before.map(JobId), limit).await?;
    let full = jobs.len() == limit as usize;
    let next = jobs.last().filter(|_| full).map(|job| job.id.0);
    let now = api.now();
    Ok(Json(Jobs { items: jobs.iter().map(|job| JobView::of(job, now)).collect(), next }))
}
