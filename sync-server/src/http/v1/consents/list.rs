//! A person's consents.

use axum::Json;
use axum::extract::State;
use ostiary_common::ids::PersonId;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::ConsentView;
use crate::domain::access::may::PersonsRead;
use crate::domain::consent::may_enroll;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// A person's consents.
#[derive(Debug, Serialize, ToSchema)]
pub struct Consents {
    /// Whether photos may be taken.
    may_enroll: bool,
    /// Why not, in words.
    missing: Option<String>,
    /// When the person is erased because the consent was withdrawn.
    erased_at: Option<String>,
    /// All consents, the newest first.
    items: Vec<ConsentView>,
}

/// A person's consents, with whether photos may be taken because of them.
#[utoipa::path(get, path = "/api/v1/persons/{id}/consents", operation_id = "persons_consents", tag = "persons",
    security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The person")),
    responses(
        (status = 200, description = "The consents", body = Consents),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn list(
    State(api): State<Api>,
    may: May<PersonsRead>,
    InPath(id): InPath<PersonId>,
) -> Result<Json<Consents>, ApiError> {
    may.person(id).await?;
    let consents = api.store.consents(id).await?;
    let missing = may_enroll(&consents, api.store.consent_text().await?.least_version).err();
    Ok(Json(Consents {
        may_enroll: missing.is_none(),
        missing: missing.map(|missing| missing.to_string()),
        erased_at: api.store.erased_at(id).await?.map(|at| at.to_rfc3339()),
        items: consents.into_iter().map(ConsentView::from).collect(),
    }))
}
