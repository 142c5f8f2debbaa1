//! One person.

use axum::Json;
use axum::response::{IntoResponse, Response};
use ostiary_common::ids::PersonId;

use super::view::PersonView;
use crate::domain::access::may::PersonsRead;
use crate::http::auth::May;
use crate::http::etag::etag;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// One person.
#[utoipa::path(get, path = "/api/v1/persons/{id}", operation_id = "persons_read", tag = "persons", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The person")),
    responses(
        (status = 200, description = "The person; the `ETag` is the revision", body = PersonView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn read(may: May<PersonsRead>, InPath(id): InPath<PersonId>) -> Result<Response, ApiError> {
    let person = may.person(id).await?.person;
    Ok((etag(person.rev.0), Json(PersonView::from(person))).into_response())
}
