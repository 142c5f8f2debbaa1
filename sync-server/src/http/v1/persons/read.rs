//! One person.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use ostiary_common::ids::PersonId;

use super::detail::{PersonDetail, detail};
use crate::domain::access::may::PersonsRead;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::etag::person_etag;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// One person, with notes and fields.
#[utoipa::path(get, path = "/api/v1/persons/{id}", operation_id = "persons_read", tag = "persons", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The person")),
    responses(
        (status = 200, description = "The person; the `ETag` tells its state", body = PersonDetail),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn read(
    State(api): State<Api>,
    may: May<PersonsRead>,
    InPath(id): InPath<PersonId>,
) -> Result<Response, ApiError> {
    let (found, profile, stamp) = may.profiled(id).await?;
    let view = detail(&api, found.person, profile).await?;
    Ok((person_etag(stamp), Json(view)).into_response())
}
