//! When and by which groups a person may be known.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use ostiary_common::ids::{GroupId, PersonId};
use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::PersonView;
use crate::domain::access::may::PersonsManage;
use crate::domain::gallery::{TermsChange, Validity};
use crate::domain::recognition::Change;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::etag::{IfMatch, etag};
use crate::http::extract::{InPath, Json};
use crate::http::problem::{ApiError, Problem};

/// Groups of one person.
const MOST_GROUPS: usize = 100;

/// What is to change; what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
pub struct PersonTerms {
    /// Not known at any door before this time, RFC 3339; `null` for no beginning.
    #[serde(deserialize_with = "said")]
    #[schema(value_type = Option<String>, example = "2026-11-21T08:00:00Z")]
    valid_from: Option<Option<String>>,
    /// Not known at any door from this time on, RFC 3339; `null` for no end.
    #[serde(deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    valid_until: Option<Option<String>>,
    /// All groups the person is in from now on, at most 100.
    groups: Option<Vec<Uuid>>,
}

/// Tells `null` from what is not said.
fn said<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// A span of validity as sent, checked.
pub(super) fn validity(from: Option<&str>, until: Option<&str>) -> Result<Validity, ApiError> {
    let (from, until) = (time("valid_from", from)?, time("valid_until", until)?);
    Validity::parse(from, until).map_err(|e| ApiError::Invalid { field: "valid_until", detail: e.to_string() })
}

fn time(field: &'static str, text: Option<&str>) -> Result<Option<UnixMillis>, ApiError> {
    let parse = |text: &str| {
        let detail = || format!("must be a time as in `2026-11-21T08:00:00Z` (RFC 3339), not `{text}`");
        UnixMillis::parse_rfc3339(text).ok_or_else(|| ApiError::Invalid { field, detail: detail() })
    };
    text.map(parse).transpose()
}

/// Groups as sent, checked.
pub(super) fn groups(ids: &[Uuid]) -> Result<Vec<GroupId>, ApiError> {
    if ids.len() > MOST_GROUPS {
        let detail = format!("at most {MOST_GROUPS}, not {}", ids.len());
        return Err(ApiError::Invalid { field: "groups", detail });
    }
    Ok(ids.iter().copied().map(GroupId).collect())
}

impl PersonTerms {
    /// What changes, beside what is in force.
    fn check(&self, present: Validity) -> Result<TermsChange, ApiError> {
        let keep = |at: Option<UnixMillis>| at.map(|at| at.to_rfc3339());
        let from = self.valid_from.clone().unwrap_or_else(|| keep(present.from()));
        let until = self.valid_until.clone().unwrap_or_else(|| keep(present.until()));
        let groups = self.groups.as_deref().map(groups).transpose()?;
        Ok(TermsChange { validity: Some(validity(from.as_deref(), until.as_deref())?), groups })
    }
}

/// Change when and by which groups a person may be known. Doors that may no longer know the person forget at once.
#[utoipa::path(patch, path = "/api/v1/persons/{id}", operation_id = "persons_set_terms", tag = "persons",
    security(("bearer" = [])), request_body = PersonTerms,
    params(("id" = uuid::Uuid, Path, description = "The person"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` the change was made against")),
    responses(
        (status = 200, description = "The person as it is now", body = PersonView),
        (status = 404, description = "No such person or group", body = Problem,
            content_type = "application/problem+json"),
        (status = 412, description = "`outdated`: changed meanwhile", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.persons.terms", skip_all, fields(person.id = %id))]
pub async fn set_terms(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<PersonId>,
    IfMatch(expected): IfMatch,
    Json(body): Json<PersonTerms>,
) -> Result<Response, ApiError> {
    let present = may.own_person(id).await?.person;
    let terms = body.check(present.validity)?;
    if let Some(groups) = &terms.groups {
        may.groups_for(groups).await?;
    }
    let change = Change { expected, now: api.now() };
    let done = api.store.put_terms(id, &terms, change).await?.ok_or(ApiError::NotFound("person"))?;
    api.tell_gallery(done.rev);
    let person = api.store.person(id).await?.ok_or(ApiError::NotFound("person"))?;
    let view = PersonView::from(person);
    let detail = serde_json::json!({"revision": done.version, "terms": view.terms()});
    api.audit_done(&may.caller, "person.terms", format!("person:{id}"), detail.to_string()).await?;
    Ok((etag(done.version), axum::Json(view)).into_response())
}
