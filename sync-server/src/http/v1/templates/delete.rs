//! Removing one template.

use axum::Json;
use axum::extract::State;
use ostiary_common::ids::TemplateId;

use crate::domain::access::may::PersonsManage;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::persons::delete::Changed;

/// Remove one template; devices are told at once.
#[utoipa::path(delete, path = "/api/v1/templates/{id}", operation_id = "templates_delete", tag = "persons", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The template")),
    responses(
        (status = 200, description = "Removed", body = Changed),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.templates.delete", skip_all)]
pub async fn delete(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<TemplateId>,
) -> Result<Json<Changed>, ApiError> {
    let person = may.found(api.within.person_of(id).await?, "template")?;
    may.own_person(person).await.map_err(|error| match error {
        ApiError::NotFound(_) => ApiError::NotFound("template"),
        other => other,
    })?;
    let rev = api.store.remove_template(id).await?.ok_or(ApiError::NotFound("template"))?;
    api.link.gallery_changed(rev);
    api.audit_done(&may.caller, "template.delete", format!("template:{id}"), format!("revision {}", rev.0)).await?;
    Ok(Json(Changed { revision: rev.0 }))
}
