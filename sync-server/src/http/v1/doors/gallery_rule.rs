//! Who may be known at one door.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use ostiary_common::ids::{DoorId, GroupId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::access::may::{DoorsManage, DoorsRead};
use crate::domain::gallery::GalleryRule;
use crate::domain::recognition::{Change, Versioned};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::etag::{IfMatch, etag};
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};

/// Groups one door names.
const MOST_GROUPS: usize = 200;

/// Who may be known at a door: everyone enrolled, or who is in one of the groups.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, Validate)]
#[serde(tag = "know", rename_all = "snake_case", deny_unknown_fields)]
pub enum Rule {
    /// Everyone enrolled.
    Everyone,
    /// Who is in one of these groups; none of them means nobody.
    Groups {
        /// At most 200.
        #[garde(length(max = 200))]
        groups: Vec<Uuid>,
    },
}

/// What a door says of who may be known there.
#[derive(Serialize, ToSchema)]
pub struct GalleryRuleView {
    /// The door.
    door: Uuid,
    /// Rises with every change, 0 if never set; also the `ETag`.
    version: u64,
    /// The last change.
    changed_at: Option<String>,
    /// What it says.
    rule: Rule,
}

impl From<&GalleryRule> for Rule {
    fn from(rule: &GalleryRule) -> Self {
        match rule {
            GalleryRule::Everyone => Self::Everyone,
            GalleryRule::Groups(groups) => Self::Groups { groups: groups.iter().map(|group| group.0).collect() },
        }
    }
}

impl GalleryRuleView {
    /// A door's rule as it is shown.
    pub fn new(door: DoorId, rule: Versioned<GalleryRule>) -> Self {
        let changed_at = rule.changed_at.map(|at| at.to_rfc3339());
        Self { door: door.0, version: rule.version, changed_at, rule: (&rule.value).into() }
    }
}

/// A rule as sent, checked: a group of another site would never count here. Whom a door may know, whoever reaches the
/// door may see: so nobody has a door know whom he may not see himself.
async fn checked(api: &Api, may: &May<DoorsManage>, door: DoorId, rule: &Rule) -> Result<GalleryRule, ApiError> {
    let site = may.door(door).await?.site;
    let Rule::Groups { groups } = rule else {
        return may.everywhere().map(|()| GalleryRule::Everyone);
    };
    let invalid = |detail: String| ApiError::Invalid { field: "groups", detail };
    if groups.len() > MOST_GROUPS {
        return Err(invalid(format!("at most {MOST_GROUPS}, not {}", groups.len())));
    }
    let known: HashMap<_, _> =
        api.within.groups_within(&may.reach).await?.into_iter().map(|group| (group.id.0, group.site)).collect();
    for group in groups {
        match known.get(group) {
            None => return Err(invalid(format!("there is no group {group}"))),
            Some(Some(other)) if *other != site => {
                return Err(invalid(format!("group {group} counts at another site only")));
            }
            Some(_) => {}
        }
    }
    Ok(GalleryRule::Groups(groups.iter().copied().map(GroupId).collect()))
}

/// Who may be known at a door.
#[utoipa::path(get, path = "/api/v1/doors/{id}/gallery-rule", operation_id = "doors_gallery_rule", tag = "groups",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The door")),
    responses(
        (status = 200, description = "What the door says; the `ETag` is the version", body = GalleryRuleView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn read(
    State(api): State<Api>,
    may: May<DoorsRead>,
    InPath(id): InPath<DoorId>,
) -> Result<Response, ApiError> {
    may.door(id).await?;
    answer(&api, id).await
}

/// Set who may be known at a door. Its devices are told at once, and forget whom they may no longer know.
#[utoipa::path(put, path = "/api/v1/doors/{id}/gallery-rule", operation_id = "doors_gallery_rule_set", tag = "groups",
    security(("bearer" = [])), request_body = Rule,
    params(("id" = uuid::Uuid, Path, description = "The door"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` the change was made against")),
    responses(
        (status = 200, description = "Set", body = GalleryRuleView),
        (status = 403, description = "`not-allowed`: everyone may be known only by who manages doors everywhere",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "`outdated`: changed meanwhile", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`: no such group, or one of another site", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.doors.gallery_rule", skip_all, fields(door.id = %id))]
pub async fn set(
    State(api): State<Api>,
    may: May<DoorsManage>,
    InPath(id): InPath<DoorId>,
    IfMatch(expected): IfMatch,
    Valid(body): Valid<Rule>,
) -> Result<Response, ApiError> {
    let rule = checked(&api, &may, id, &body).await?;
    let change = Change { expected, now: api.now() };
    let done = api.store.put_door_gallery(id, &rule, change).await?.ok_or(ApiError::NotFound("door"))?;
    api.tell_gallery(done.rev);
    let detail = serde_json::json!({"version": done.version, "rule": body});
    api.audit_done(&may.caller, "gallery.configure", format!("door:{id}"), detail.to_string()).await?;
    answer(&api, id).await
}

async fn answer(api: &Api, id: DoorId) -> Result<Response, ApiError> {
    let rule = api.store.door_gallery(id).await?.ok_or(ApiError::NotFound("door"))?;
    Ok((etag(rule.version), axum::Json(GalleryRuleView::new(id, rule))).into_response())
}
