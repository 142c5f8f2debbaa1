//! Recording a consent.

use axum::extract::State;
use axum::http::StatusCode;
use ostiary_common::ids::PersonId;

use super::body::{ConsentBody, facts};
use super::view::ConsentView;
use crate::domain::access::may::PersonsManage;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};

/// Record that a person consents, in place of the consent in force. Whoever had withdrawn is recognised again and not
/// erased.
#[utoipa::path(post, path = "/api/v1/persons/{id}/consents", operation_id = "persons_consent", tag = "persons",
    security(("bearer" = [])), request_body = ConsentBody,
    params(("id" = uuid::Uuid, Path, description = "The person")),
    responses(
        (status = 201, description = "Recorded", body = ConsentView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.consents.record", skip_all, fields(person.id = %id))]
pub async fn record(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<PersonId>,
    Valid(body): Valid<ConsentBody>,
) -> Result<(StatusCode, axum::Json<ConsentView>), ApiError> {
    may.own_person(id).await?;
    let consent = body.consent(&api, &may.caller, id, "").await?;
    let note = api.note(&may.caller, "person.consent", format!("person:{id}"), None, Some(facts(&consent)));
    let rev = api.store.add_consent(&consent, &note).await?.ok_or(ApiError::NotFound("person"))?;
    api.tell_gallery(rev);
    Ok((StatusCode::CREATED, axum::Json(consent.into())))
}
