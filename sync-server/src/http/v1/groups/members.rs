//! Who is in a group.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use ostiary_common::ids::{GroupId, PersonId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::domain::access::may::{PersonsManage, PersonsRead};
use crate::domain::gallery::MemberChange;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{self, InPath, ValidQuery};
use crate::http::paging;
use crate::http::problem::{ApiError, Problem};

/// Persons that come and leave with one request.
const MOST_AT_ONCE: usize = 10_000;

/// Which page.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Persons of a page, 1 to 500.
    #[garde(range(min = 1, max = paging::MAX_LIMIT))]
    limit: Option<u32>,
    /// `next` of the page before.
    #[garde(skip)]
    after: Option<Uuid>,
}

/// A page of members, in order of id.
#[derive(Serialize, ToSchema)]
pub struct Members {
    /// The persons.
    items: Vec<Uuid>,
    /// Pass it as `after` for the next page; absent on the last.
    next: Option<Uuid>,
}

/// Who comes and who leaves.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
pub struct MembersChange {
    /// Persons who are in the group from now on.
    #[garde(length(max = MOST_AT_ONCE))]
    add: Vec<Uuid>,
    /// Persons who no longer are.
    #[garde(length(max = MOST_AT_ONCE))]
    remove: Vec<Uuid>,
}

/// What became of a group's members.
#[derive(Serialize, ToSchema)]
pub struct MembersChanged {
    /// The gallery's new revision; absent if everything was so already.
    revision: Option<u64>,
    /// How many persons are in the group now.
    members: u64,
}

/// A page of a group's members.
#[utoipa::path(get, path = "/api/v1/groups/{id}/members", operation_id = "groups_members", tag = "groups",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The group"), Page),
    responses(
        (status = 200, description = "The members", body = Members),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn list(
    State(api): State<Api>,
    may: May<PersonsRead>,
    InPath(id): InPath<GroupId>,
    ValidQuery(page): ValidQuery<Page>,
) -> Result<Json<Members>, ApiError> {
    let limit = paging::limit(page.limit)?;
    may.group(id).await?;
    let members = api.store.members(id, page.after.map(PersonId), limit).await?;
    let full = members.len() == limit as usize;
    let items: Vec<Uuid> = members.into_iter().map(|person| person.0).collect();
    Ok(Json(Members { next: items.last().copied().filter(|_| full), items }))
}

/// Have persons come into a group and leave it, all at once or, on an error, not at all.
#[utoipa::path(post, path = "/api/v1/groups/{id}/members", operation_id = "groups_members_change", tag = "groups",
    security(("bearer" = [])), request_body = MembersChange,
    params(("id" = uuid::Uuid, Path, description = "The group")),
    responses(
        (status = 200, description = "Done", body = MembersChanged),
        (status = 404, description = "No such group or person", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`: too many at once", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.groups.members", skip_all, fields(group.id = %id))]
pub async fn change(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<GroupId>,
    extract::Valid(body): extract::Valid<MembersChange>,
) -> Result<Json<MembersChanged>, ApiError> {
    let persons = |field, ids: &[Uuid]| match ids.len() {
        0..=MOST_AT_ONCE => Ok(ids.iter().copied().map(PersonId).collect()),
        n => Err(ApiError::Invalid { field, detail: format!("at most {MOST_AT_ONCE} at once, not {n}") }),
    };
    let change = MemberChange { add: persons("add", &body.add)?, remove: persons("remove", &body.remove)? };
    may.own_group(id).await?;
    let comers = api.within.all_within(&may.circle().await?, &change.add).await?;
    may.found(comers.then_some(()), "person")?;
    let done = api.store.put_members(id, &change).await?.ok_or(ApiError::NotFound("group"))?;
    api.tell_gallery(done.rev);
    let detail = serde_json::json!({"revision": done.rev.map(|rev| rev.0), "add": body.add, "remove": body.remove});
    api.audit_done(&may.caller, "group.members", format!("group:{id}"), detail.to_string()).await?;
    let group = api.store.group(id).await?.ok_or(ApiError::NotFound("group"))?;
    Ok(Json(MembersChanged { revision: done.rev.map(|rev| rev.0), members: group.members }))
}
