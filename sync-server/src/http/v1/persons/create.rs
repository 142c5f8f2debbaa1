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
use crate::http::v1::consents::body::{ConsentSaid, facts};
use crate::http::v1::name;

/// A new person.
#[derive(Deserialize, ToSchema, Validate)]
pub struct NewPerson {
    /// Display name, 1 to 100 characters.
    #[garde(custom(rules::name))]
    #[schema(example = "Ada Lovelace")]
    name: String,
    /// The person's consent to be recognised, without which no photo is taken: `true` for one just given to the text in
    /// force, or what is known of it. It can be recorded later at `/api/v1/persons/{id}/consents`.
    #[garde(dive)]
    #[serde(default)]
    consent: ConsentSaid,
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
        (status = 404, description = "No such group, or no such version of the consent text", body = Problem, content_type = "application/problem+json"),
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
        ..Person::new(PersonId::generate(), name(&body.name)?, now, None)
    };
    // Names stay out of the audit log, which outlives the person.
    let target = format!("person:{}", person.id);
    let person = match body.consent.record() {
        Some(said) => {
            let consent = said.consent(&api, &may.caller, person.id, "consent").await?;
            let person = Person { consent_at: Some(consent.given_at), ..person };
            let mut note = api.note(&may.caller, "person.create", target, None, Some(facts(&consent)));
            note.entry.detail = "with consent".into();
            api.store.add_consenting(&person, &consent, &note).await?;
            person
        }
        None => {
            api.store.add_person(&person).await?;
            api.audit_done(&may.caller, "person.create", target, "without consent".into()).await?;
            person
        }
    };
    Ok((StatusCode::CREATED, axum::Json(person.into())))
}
