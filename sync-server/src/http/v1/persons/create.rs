//! A new person.

use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
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
use crate::http::extract::Valid;
use crate::http::problem::{ApiError, Problem};
use crate::http::rules::{self, Rfc3339};
use crate::http::v1::name;

/// A new person.
#[derive(Deserialize, ToSchema, Validate)]
pub struct NewPerson {
    /// Display name, 1 to 100 characters.
    #[garde(custom(rules::name))]
    #[schema(example = "Ada Lovelace")]
    name: String,
    /// Whether the person has agreed to be recognised. Without it no photo is taken.
    #[garde(skip)]
    #[serde(default)]
    consent: bool,
    /// Not known at any door before this time; RFC 3339.
    #[garde(skip)]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-11-21T08:00:00Z")]
    valid_from: Option<Rfc3339>,
    /// Not known at any door from this time on; RFC 3339.
    #[garde(skip)]
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_until: Option<Rfc3339>,
    /// The groups the person is in, at most 100.
    #[garde(length(max = 100))]
    #[serde(default)]
    #[schema(max_items = 100)]
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
    Valid(body): Valid<NewPerson>,
) -> Result<(StatusCode, axum::Json<PersonView>), ApiError> {
    let now = api.now();
    let groups = groups(&body.groups)?;
    may.groups_for(&groups).await?;
    let person = Person {
        validity: validity(body.valid_from.map(|at| at.0), body.valid_until.map(|at| at.0))?,
        groups,
        ..Person::new(PersonId::generate(), name(&body.name)?, now, body.consent.then_some(now))
    };
    api.store.add_person(&person).await?;
    // Names stay out of the audit log, which outlives the person.
    let detail = if body.consent { "with consent" } else { "without consent" };
    api.audit_done(&may.caller, "person.create", format!("person:{}", person.id), detail.into()).await?;
    Ok((StatusCode::CREATED, axum::Json(person.into())))
}
