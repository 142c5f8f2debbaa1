//! Whether the end of a person's validity erases the person.

use axum::extract::State;
use garde::Validate;
use ostiary_common::ids::PersonId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::access::may::{PersonsManage, PersonsRead};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};

/// What happens when the person's validity (`valid_until`) has ended.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct OnExpiry {
    /// Whether the person is erased then, as by deletion, and not only taken off the doors.
    #[garde(skip)]
    erase: bool,
}

/// What happens when a person's validity has ended.
#[utoipa::path(get, path = "/api/v1/persons/{id}/on-expiry", operation_id = "persons_on_expiry", tag = "persons", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The person")),
    responses(
        (status = 200, description = "What happens", body = OnExpiry),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn read(
    State(api): State<Api>,
    may: May<PersonsRead>,
    InPath(id): InPath<PersonId>,
) -> Result<axum::Json<OnExpiry>, ApiError> {
    may.person(id).await?;
    let erase = api.store.erase_on_expiry(id).await?.ok_or(ApiError::NotFound("person"))?;
    Ok(axum::Json(OnExpiry { erase }))
}

/// Say what happens when a person's validity has ended.
#[utoipa::path(put, path = "/api/v1/persons/{id}/on-expiry", operation_id = "persons_set_on_expiry", tag = "persons", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The person")), request_body = OnExpiry,
    responses(
        (status = 200, description = "Set", body = OnExpiry),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.persons.on_expiry", skip_all, fields(person.id = %id))]
pub async fn set(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<PersonId>,
    Valid(body): Valid<OnExpiry>,
) -> Result<axum::Json<OnExpiry>, ApiError> {
    may.own_person(id).await?;
    if !api.store.put_erase_on_expiry(id, body.erase).await? {
        return Err(ApiError::NotFound("person"));
    }
    let detail = if body.erase { "erased when the validity ends" } else { "kept when the validity ends" };
    api.audit_done(&may.caller, "person.on_expiry", format!("person:{id}"), detail.into()).await?;
    Ok(axum::Json(body))
}
