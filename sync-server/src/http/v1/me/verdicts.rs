//! How I judged visits.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use ostiary_common::ids::JudgementId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::domain::access::Permission;
use crate::domain::judgement::Judgement;
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::extract::ValidQuery;
use crate::http::paging;
use crate::http::problem::ApiError;

/// Which page.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Verdicts of a page, 1 to 500.
    #[garde(range(min = 1, max = paging::MAX_LIMIT))]
    limit: Option<u32>,
    /// `next` of the page before.
    #[garde(skip)]
    before: Option<Uuid>,
}

/// A verdict of mine.
#[derive(Serialize, ToSchema)]
pub struct MyVerdict {
    /// Id.
    id: Uuid,
    /// The event.
    event: Uuid,
    /// Its door.
    door: Uuid,
    /// Its kind.
    #[schema(value_type = String)]
    kind: &'static str,
    /// When it happened.
    at: String,
    /// What I said.
    #[schema(value_type = String)]
    verdict: &'static str,
    /// When.
    judged_at: String,
    /// When it was withdrawn, or something else was said instead.
    withdrawn_at: Option<String>,
}

impl From<Judgement> for MyVerdict {
    fn from(judgement: Judgement) -> Self {
        Self {
            id: judgement.id.0,
            event: judgement.event.0,
            door: judgement.door.0,
            kind: judgement.kind.as_str(),
            at: judgement.at.to_rfc3339(),
            verdict: judgement.verdict.as_str(),
            judged_at: judgement.judged_at.to_rfc3339(),
            withdrawn_at: judgement.withdrawn_at.map(|at| at.to_rfc3339()),
        }
    }
}

/// A page of verdicts, the newest first.
#[derive(Serialize, ToSchema)]
pub struct MyVerdicts {
    /// The verdicts.
    items: Vec<MyVerdict>,
    /// Pass it as `before` for the next page; absent on the last.
    next: Option<Uuid>,
}

/// How I judged visits, the newest first, at doors I may still see.
#[utoipa::path(get, path = "/api/v1/me/verdicts", operation_id = "me_verdicts", tag = "me", security(("bearer" = [])),
    params(Page), responses((status = 200, description = "The verdicts", body = MyVerdicts)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    ValidQuery(page): ValidQuery<Page>,
) -> Result<Json<MyVerdicts>, ApiError> {
    let limit = paging::limit(page.limit)?;
    let reach = caller.access.reach(Permission::EventsRead);
    let found = api.store.judgements_by(&caller.actor(), &reach, page.before.map(JudgementId), limit).await?;
    let next = found.last().filter(|_| found.len() == limit as usize).map(|last| last.id.0);
    Ok(Json(MyVerdicts { items: found.into_iter().map(MyVerdict::from).collect(), next }))
}
