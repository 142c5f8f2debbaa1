//! A new group.

use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use ostiary_common::ids::{GroupId, SiteId};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::list::GroupView;
use crate::domain::access::may::PersonsManage;
use crate::domain::gallery::Group;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::Valid;
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::http::v1::name;

/// A group's name and site.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct GroupBody {
    /// Name, unique, 1 to 100 characters.
    #[garde(custom(rules::name))]
    #[schema(example = "Night shift")]
    pub(super) name: String,
    /// The site it counts at; left out, it counts at every site.
    #[garde(skip)]
    pub(super) site: Option<Uuid>,
}

/// The site a group is to belong to; one of every site is made by who manages persons everywhere.
pub(super) fn place(may: &May<PersonsManage>, site: Option<Uuid>) -> Result<Option<SiteId>, ApiError> {
    match site {
        Some(site) => may.site(SiteId(site)).map(Some),
        None => may.everywhere().map(|()| None),
    }
}

/// Add a group.
#[utoipa::path(post, path = "/api/v1/groups", operation_id = "groups_create", tag = "groups",
    security(("bearer" = [])), request_body = GroupBody,
    responses(
        (status = 201, description = "Added", body = GroupView),
        (status = 404, description = "No such site", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`taken`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.groups.create", skip_all)]
pub async fn create(
    State(api): State<Api>,
    may: May<PersonsManage>,
    Valid(body): Valid<GroupBody>,
) -> Result<(StatusCode, axum::Json<GroupView>), ApiError> {
    let (id, name, site) = (GroupId::generate(), name(&body.name)?, place(&may, body.site)?);
    let group = Group { id, name, site, created_at: api.now(), version: 1, members: 0 };
    api.store.add_group(&group).await?;
    api.audit_done(&may.caller, "group.create", format!("group:{id}"), String::new()).await?;
    Ok((StatusCode::CREATED, axum::Json(group.into())))
}
