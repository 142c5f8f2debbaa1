//! A new person.

use axum::extract::State;
use axum::http::StatusCode;
use ostiary_common::ids::PersonId;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::terms::{groups, validity};
use super::view::PersonView;
use crate::domain::access::may::PersonsManage;
use crate::domain::person::Person;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::Json;
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::name;

/// A new person.
#[derive(Deserialize, ToSchema)]
pub struct NewPerson {
    /// Display name, 1 to 100 characters.
    #[schema(example = "Ada Lovelace")]
    name: String,
    /// Whether the person has agreed to be recognised. Without it no photo is taken.
    #[serde(default)]
    consent: bool,
    /// Not known at any door before this time; RFC 3339.
    #[schema(example = "2026-11-21T08:00:00Z")]
    valid_from: Option<String>,
    /// Not known at any door from this time on; RFC 3339.
    valid_until: Option<String>,
    /// The groups the person is in, at most 100.
    #[serde(default)]
    groups: Vec<Uuid>,
}

/// Add a person.
#[utoipa::path(post, path = "/api/v1/persons", operation_id = "persons_create", tag = "persons", security(("bearer" = [])), request_body = NewPerson,
    responses(
        (status = 201, description = "Added", body = PersonView),
        (status = 404, description = "No such group", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.persons.create", skip_all)]
pub async fn create(
    State(api): State<Api>,
    may: May<PersonsManage>,
    Json(body): Json<NewPerson>,
) -> Result<(StatusCode, axum::Json<PersonView>), ApiError> {
    let now = api.now();
    let groups = groups(&body.groups)?;
    may.groups_for(&groups).await?;
    let person = Person {
        validity: validity(body.valid_from.as_deref(), body.valid_until.as_deref())?,
        groups,
        ..Person::new(PersonId::generate(), name(&body.name)?, now, body.consent.then_some(now))
    };
    api.store.add_person(&person).await?;
    // Names stay out of the audit log, which outlives the person.
    let detail = if body.consent { "with consent" } else { "without consent" };
    api.audit_done(&may.caller, "person.create", format!("person:{}", person.id), detail.into()).await?;
    Ok((StatusCode::CREATED, axum::Json(person.into())))
}
