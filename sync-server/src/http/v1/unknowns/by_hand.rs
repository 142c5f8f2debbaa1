//! What people do with unknown visitors: put together, take apart, dismiss, look again.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use ostiary_common::ids::{EventId, UnknownId};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::UnknownView;
use crate::domain::access::may::EventsJudge;
use crate::domain::unknown::{Unknown, UnknownDeed, UnknownState};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};

/// Who else it is.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Merge {
    /// Unknown visitors who are the same one, 1 to 50; their ids lead to this one from now on.
    #[garde(length(min = 1, max = 50))]
    #[schema(min_items = 1, max_items = 50)]
    with: Vec<Uuid>,
}

/// What is somebody else's.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// Visits (ids of events) that are somebody else's, 1 to 500, but not all.
    #[garde(length(min = 1, max = 500))]
    #[schema(min_items = 1, max_items = 500)]
    visits: Vec<Uuid>,
}

/// Say that unknown visitors are one. What was put together by hand stays together.
#[utoipa::path(post, path = "/api/v1/unknowns/{id}/merge", operation_id = "unknowns_merge", tag = "unknowns",
    security(("bearer" = [])), request_body = Merge,
    params(("id" = uuid::Uuid, Path, description = "The unknown visitor who stays")),
    responses(
        (status = 200, description = "All of them as one", body = UnknownView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.unknowns.merge", skip_all, fields(unknown.id = %id))]
pub async fn merge(
    State(api): State<Api>,
    may: May<EventsJudge>,
    InPath(id): InPath<UnknownId>,
    Valid(body): Valid<Merge>,
) -> Result<Json<UnknownView>, ApiError> {
    let into = whole(&may, id).await?.id;
    let mut from = Vec::with_capacity(body.with.len());
    for other in body.with {
        let other = whole(&may, UnknownId(other)).await?.id;
        if other != into && !from.contains(&other) {
            from.push(other);
        }
    }
    let detail = json!({ "with": from.iter().map(|other| other.0).collect::<Vec<_>>() });
    carry_out(&api, &may, "unknown.merge", into, (UnknownDeed::Merge { into, from }, detail)).await?;
    Ok(Json(may.unknown(into).await?.into()))
}

/// Say that some visits of an unknown visitor are somebody else's, who is answered with. What was taken apart by hand stays
/// apart.
#[utoipa::path(post, path = "/api/v1/unknowns/{id}/split", operation_id = "unknowns_split", tag = "unknowns",
    security(("bearer" = [])), request_body = Split,
    params(("id" = uuid::Uuid, Path, description = "The unknown visitor")),
    responses(
        (status = 200, description = "The other one", body = UnknownView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`: not visits of this one, or all of them", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.unknowns.split", skip_all, fields(unknown.id = %id))]
pub async fn split(
    State(api): State<Api>,
    may: May<EventsJudge>,
    InPath(id): InPath<UnknownId>,
    Valid(body): Valid<Split>,
) -> Result<Json<UnknownView>, ApiError> {
    let from = whole(&may, id).await?.id;
    let mut visits: Vec<EventId> = body.visits.into_iter().map(EventId).collect();
    visits.sort_unstable();
    visits.dedup();
    let into = UnknownId::generate();
    let detail = json!({ "into": into.0, "visits": visits.len() });
    let done = carry_out(&api, &may, "unknown.split", from, (UnknownDeed::Split { from, visits, into }, detail)).await;
    done.map_err(|error| match error {
        ApiError::NotFound(_) => {
            let detail = "must be visits of this unknown visitor, and not all of them".into();
            ApiError::Invalid { field: "visits", detail }
        }
        other => other,
    })?;
    Ok(Json(may.unknown(into).await?.into()))
}

/// Say that an unknown visitor is of no interest: further visits join quietly.
#[utoipa::path(post, path = "/api/v1/unknowns/{id}/dismiss", operation_id = "unknowns_dismiss", tag = "unknowns",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The unknown visitor")),
    responses(
        (status = 200, description = "Dismissed", body = UnknownView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.unknowns.dismiss", skip_all, fields(unknown.id = %id))]
pub async fn dismiss(
    State(api): State<Api>,
    may: May<EventsJudge>,
    InPath(id): InPath<UnknownId>,
) -> Result<Json<UnknownView>, ApiError> {
    mark(&api, &may, id, UnknownState::Dismissed).await
}

/// Say that a dismissed unknown visitor is of interest again.
#[utoipa::path(post, path = "/api/v1/unknowns/{id}/reopen", operation_id = "unknowns_reopen", tag = "unknowns",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The unknown visitor")),
    responses(
        (status = 200, description = "Open again", body = UnknownView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.unknowns.reopen", skip_all, fields(unknown.id = %id))]
pub async fn reopen(
    State(api): State<Api>,
    may: May<EventsJudge>,
    InPath(id): InPath<UnknownId>,
) -> Result<Json<UnknownView>, ApiError> {
    mark(&api, &may, id, UnknownState::Open).await
}

async fn mark(
    api: &Api,
    may: &May<EventsJudge>,
    id: UnknownId,
    state: UnknownState,
) -> Result<Json<UnknownView>, ApiError> {
    let id = whole(may, id).await?.id;
    let action = if state == UnknownState::Open { "unknown.reopen" } else { "unknown.dismiss" };
    carry_out(api, may, action, id, (UnknownDeed::Mark { id, state }, json!({}))).await?;
    Ok(Json(may.unknown(id).await?.into()))
}

/// An unknown visitor all of whose visits lie within reach: what is done concerns nobody else.
async fn whole(may: &May<EventsJudge>, id: UnknownId) -> Result<Unknown, ApiError> {
    let unknown = may.unknown(id).await?;
    if unknown.elsewhere == 0 { Ok(unknown) } else { Err(may.beyond("every door this visitor was seen at")) }
}

async fn carry_out(
    api: &Api,
    may: &May<EventsJudge>,
    action: &str,
    id: UnknownId,
    (deed, detail): (UnknownDeed, Value),
) -> Result<(), ApiError> {
    let note = api.note(&may.caller, action, format!("unknown:{id}"), None, Some(detail));
    let done = api.store.do_by_hand(&deed, api.now(), &note).await?;
    if done { Ok(()) } else { Err(ApiError::NotFound("unknown visitor")) }
}
