//! One group: look at it, rename or rebind it, remove it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ostiary_common::ids::GroupId;

use super::create::{GroupBody, place};
use super::list::GroupView;
use crate::domain::access::may::{PersonsManage, PersonsRead};
use crate::domain::gallery::Group;
use crate::domain::recognition::Change;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::etag::{IfMatch, etag};
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::name;

/// One group.
#[utoipa::path(get, path = "/api/v1/groups/{id}", operation_id = "groups_read", tag = "groups",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The group")),
    responses(
        (status = 200, description = "The group; the `ETag` is the version", body = GroupView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn read(may: May<PersonsRead>, InPath(id): InPath<GroupId>) -> Result<Response, ApiError> {
    Ok(answer(may.group(id).await?))
}

/// Set a group's name and site. A group of a site counts only at doors there; elsewhere its members are forgotten at
/// once.
#[utoipa::path(put, path = "/api/v1/groups/{id}", operation_id = "groups_set", tag = "groups",
    security(("bearer" = [])), request_body = GroupBody,
    params(("id" = uuid::Uuid, Path, description = "The group"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` the change was made against")),
    responses(
        (status = 200, description = "Set", body = GroupView),
        (status = 404, description = "No such group or site", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`taken`", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "`outdated`: changed meanwhile", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.groups.set", skip_all, fields(group.id = %id))]
pub async fn set(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<GroupId>,
    IfMatch(expected): IfMatch,
    Valid(body): Valid<GroupBody>,
) -> Result<Response, ApiError> {
    may.own_group(id).await?;
    let (name, site) = (name(&body.name)?, place(&may, body.site)?);
    let change = Change { expected, now: api.now() };
    let done = api.store.put_group(id, &name, site, change).await?.ok_or(ApiError::NotFound("group"))?;
    api.tell_gallery(done.rev);
    let detail = serde_json::json!({"version": done.version, "site": body.site});
    api.audit_done(&may.caller, "group.configure", format!("group:{id}"), detail.to_string()).await?;
    Ok(answer(may.group(id).await?))
}

/// Remove a group. Its members stay enrolled; doors that named it no longer know them by it.
#[utoipa::path(delete, path = "/api/v1/groups/{id}", operation_id = "groups_delete", tag = "groups",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The group")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.groups.delete", skip_all, fields(group.id = %id))]
pub async fn delete(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<GroupId>,
) -> Result<StatusCode, ApiError> {
    may.own_group(id).await?;
    let done = api.store.remove_group(id).await?.ok_or(ApiError::NotFound("group"))?;
    api.tell_gallery(done.rev);
    api.audit_done(&may.caller, "group.delete", format!("group:{id}"), String::new()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn answer(group: Group) -> Response {
    (etag(group.version), axum::Json(GroupView::from(group))).into_response()
}
