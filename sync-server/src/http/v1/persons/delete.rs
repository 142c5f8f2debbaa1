//! Removing a person.

use axum::Json;
use axum::extract::State;
use ostiary_common::ids::PersonId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::access::may::PersonsManage;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// What became of a removed person.
#[derive(Serialize, ToSchema)]
pub struct Removed {
    /// The gallery's new revision.
    pub revision: u64,
    /// The erasure, at `/api/v1/erasures/{id}`: which devices have confirmed it.
    pub erasure: Option<Uuid>,
}

/// What a change made of the gallery.
#[derive(Serialize, ToSchema)]
pub struct Changed {
    /// The gallery's new revision.
    pub revision: u64,
}

/// Remove a person for good: name, templates and the key they are sealed with are destroyed, devices are told at once,
/// and each confirms it (see `/api/v1/erasures`).
#[utoipa::path(delete, path = "/api/v1/persons/{id}", operation_id = "persons_delete", tag = "persons", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The person")),
    responses(
        (status = 200, description = "Removed", body = Removed),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.persons.delete", skip_all, fields(person.id = %id))]
pub async fn delete(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<PersonId>,
) -> Result<Json<Removed>, ApiError> {
    may.own_person(id).await?;
    let rev = api.store.remove_person(id, api.now()).await?.ok_or(ApiError::NotFound("person"))?;
    api.captures.forget_person(id);
    api.link.gallery_changed(rev);
    api.audit_done(&may.caller, "person.delete", format!("person:{id}"), format!("revision {}", rev.0)).await?;
    let erasure = api.store.erasure_of(id).await?.map(|erasure| erasure.id.0);
    Ok(Json(Removed { revision: rev.0, erasure }))
}
