//! What I looked for.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::domain::talk::SearchId;
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::extract::ValidQuery;
use crate::http::paging;
use crate::http::problem::ApiError;
use crate::ports::searches::{Search, SearchKind};

/// Which page.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Searches of a page, 1 to 500.
    #[garde(range(min = 1, max = paging::MAX_LIMIT))]
    limit: Option<u32>,
    /// `next` of the page before.
    #[garde(skip)]
    before: Option<Uuid>,
}

/// A search of mine.
#[derive(Serialize, ToSchema)]
pub struct SearchView {
    /// Id.
    id: Uuid,
    /// Through what: `talk` (what people say), `faces` (persons and unknown visits).
    #[schema(value_type = String)]
    kind: &'static str,
    /// The words; of a face, what it was taken from: `event:<id>`, `person:<id>`, `picture`.
    words: String,
    /// How much was found.
    found: u64,
    /// When.
    at: String,
}

/// A page of searches, the newest first.
#[derive(Serialize, ToSchema)]
pub struct Searches {
    /// The searches.
    items: Vec<SearchView>,
    /// Pass it as `before` for the next page; absent on the last.
    next: Option<Uuid>,
}

/// Keeps a search for who made it. That it cannot be kept must not fail it.
pub async fn note(api: &Api, caller: &Caller, kind: SearchKind, words: &str, found: usize) {
    let (id, words) = (SearchId::generate(), words.to_owned());
    let search = Search { id, account: caller.account, kind, words, found: found as u64, at: api.now() };
    if let Err(error) = api.searches.note_search(&search).await {
        tracing::error!(%error, "a search could not be kept: {error}");
    }
}

/// What I looked for, the newest first: the last 200, for me alone.
#[utoipa::path(get, path = "/api/v1/me/searches", operation_id = "me_searches", tag = "me", security(("bearer" = [])),
    params(Page), responses((status = 200, description = "The searches", body = Searches)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    ValidQuery(page): ValidQuery<Page>,
) -> Result<Json<Searches>, ApiError> {
    let limit = paging::limit(page.limit)?;
    let found = api.searches.searches_of(caller.account, page.before.map(SearchId), limit).await?;
    let next = found.last().filter(|_| found.len() == limit as usize).map(|last| last.id.0);
    let view = |search: Search| SearchView {
        id: search.id.0,
        kind: search.kind.as_str(),
        words: search.words,
        found: search.found,
        at: search.at.to_rfc3339(),
    };
    Ok(Json(Searches { items: found.into_iter().map(view).collect(), next }))
}

/// Forget what I looked for.
#[utoipa::path(delete, path = "/api/v1/me/searches", operation_id = "me_searches_forget", tag = "me",
    security(("bearer" = [])), responses((status = 204, description = "Forgotten")))]
#[tracing::instrument(name = "http.v1.me.searches.forget", skip_all)]
pub async fn forget(State(api): State<Api>, caller: Caller) -> Result<StatusCode, ApiError> {
    api.searches.forget_searches(caller.account).await?;
    Ok(StatusCode::NO_CONTENT)
}
