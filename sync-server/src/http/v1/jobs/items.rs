//! What became of a job's items.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::view::ItemView;
use crate::domain::access::Permission;
use crate::domain::access::may::JobsRead;
use crate::domain::job::{ItemState, JobId};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, ValidQuery};
use crate::http::paging;
use crate::http::problem::{ApiError, Problem};

/// Which items.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Only in this state: `waiting`, `leased`, `done`, `refused`, `dead`, `cancelled`.
    #[garde(length(max = 30))]
    state: Option<String>,
    /// Items of a page, 1 to 500.
    #[garde(range(min = 1, max = paging::MAX_LIMIT))]
    limit: Option<u32>,
    /// `next` of the page before.
    #[garde(skip)]
    after: Option<u64>,
}

/// A page of items, in order.
#[derive(Serialize, ToSchema)]
pub struct JobItems {
    /// The items.
    items: Vec<ItemView>,
    /// Pass it as `after` for the next page; absent on the last.
    next: Option<u64>,
}

/// What became of a job's items, in order; with `state=dead` those that failed too often.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/items", operation_id = "jobs_items", tag = "jobs", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The job"), Page),
    responses(
        (status = 200, description = "The items", body = JobItems),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn items(
    State(api): State<Api>,
    may: May<JobsRead>,
    InPath(id): InPath<JobId>,
    ValidQuery(page): ValidQuery<Page>,
) -> Result<Json<JobItems>, ApiError> {
    let job = may.job(id).await?;
    let limit = paging::limit(page.limit)?;
    let unknown = || ApiError::InvalidQuery { name: "state", detail: "is none of those allowed".into() };
    let state = page.state.map(|state| ItemState::parse(&state).ok_or_else(unknown)).transpose()?;
    let states: Vec<ItemState> = state.into_iter().collect();
    let items = api.jobs.store.items(id, &states, page.after, limit).await?;
    let full = items.len() == limit as usize;
    let next = items.last().filter(|_| full).map(|item| item.n);
    // What files and rows are called often tells who somebody is.
    let own = job.account == Some(may.caller.account);
    let with_labels = own || may.caller.access.reach(Permission::PersonsRead).is_everything();
    Ok(Json(JobItems { items: items.into_iter().map(|item| ItemView::of(item, with_labels)).collect(), next }))
}
