//! What went wrong in the server.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::view::FaultView;
use crate::domain::access::may::HealthRead;
use crate::domain::fault::{FaultGroup, Fingerprint};
use crate::http::api::Api;
use crate::http::auth::Throughout;
use crate::http::extract::ValidQuery;
use crate::http::paging;
use crate::http::problem::{ApiError, Problem};

/// Which errors.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Also those that were dealt with.
    #[garde(skip)]
    #[serde(default)]
    resolved: bool,
    /// Errors of a page, 1 to 500.
    #[garde(range(min = 1, max = paging::MAX_LIMIT))]
    limit: Option<u32>,
    /// `next` of the page before.
    #[garde(length(max = 300))]
    before: Option<String>,
}

/// A page of errors.
#[derive(Serialize, ToSchema)]
#[schema(as = ServerErrors)]
pub struct Faults {
    /// The errors.
    items: Vec<FaultView>,
    /// Pass it as `before` for the next page; absent on the last.
    next: Option<String>,
}

/// Errors of the server itself, grouped, those that occurred last first.
#[utoipa::path(get, path = "/api/v1/errors", operation_id = "errors_list", tag = "health", security(("bearer" = [])), params(Page),
    responses(
        (status = 200, description = "The errors", body = Faults),
        (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn list(
    State(api): State<Api>,
    _may: Throughout<HealthRead>,
    ValidQuery(page): ValidQuery<Page>,
) -> Result<Json<Faults>, ApiError> {
    let limit = paging::limit(page.limit)?;
    let before = page.before.as_deref().map(parse).transpose()?;
    // What occurred a moment ago is to be seen as well.
    api.recorder.flush().await?;
    let faults = api.health_store.faults(!page.resolved, before, limit).await?;
    let next = faults.last().filter(|_| faults.len() == limit as usize).map(place);
    Ok(Json(Faults { items: faults.into_iter().map(FaultView::from).collect(), next }))
}

/// Where a fault stands in the list.
fn place(fault: &FaultGroup) -> String {
    format!("{}.{}", fault.last_at.0, fault.fingerprint)
}

fn parse(place: &str) -> Result<(UnixMillis, Fingerprint), ApiError> {
    let parts = place
        .split_once('.')
        .and_then(|(at, fingerprint)| Some((UnixMillis(at.parse().ok()?), Fingerprint::parse(fingerprint)?)));
    parts.ok_or_else(|| ApiError::Invalid { field: "before", detail: "take `next` of the page before".into() })
}
