//! Everything held about a person, for that person: one zip of JSON and pictures, made while it is sent.

mod archive;
mod parts;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use ostiary_common::ids::PersonId;

use self::parts::Export;
use crate::domain::access::may::PersonsExport;
use crate::http::api::Api;
use crate::http::auth::Throughout;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// Everything held about a person: who they are, consents, facts about templates (embeddings do not leave), events that
/// name them with pictures, what was done with their data, and whether they are to be erased. A zip with a `README.txt`
/// for the person.
#[utoipa::path(get, path = "/api/v1/persons/{id}/export", operation_id = "persons_export", tag = "persons",
    security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The person")),
    responses(
        (status = 200, description = "The archive", body = Vec<u8>, content_type = "application/zip"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.persons.export", skip_all, fields(person.id = %id))]
pub async fn export(
    State(api): State<Api>,
    may: Throughout<PersonsExport>,
    InPath(id): InPath<PersonId>,
) -> Result<Response, ApiError> {
    let person = api.store.person(id).await?.ok_or(ApiError::NotFound("person"))?;
    api.limits.export(may.caller.account).await?;
    api.audit_done(&may.caller, "person.export", format!("person:{id}"), String::new()).await?;
    let chunks = stream::try_unfold(Export::new(api, person), Export::next);
    // Named by the id: a name would stand in logs of proxies.
    let file = format!("attachment; filename=\"person-{id}.zip\"");
    let headers =
        [(CONTENT_TYPE, "application/zip".to_owned()), (CONTENT_DISPOSITION, file), (CACHE_CONTROL, "no-store".into())];
    Ok((headers, Body::from_stream(chunks)).into_response())
}
