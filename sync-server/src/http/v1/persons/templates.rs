//! A person's templates.

use axum::Json;
use axum::extract::State;
use ostiary_common::ids::PersonId;
use ostiary_common::wire::Angle;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::access::may::PersonsRead;
use crate::domain::person::Template;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// A template; the embedding itself never leaves by the API.
#[derive(Serialize, ToSchema)]
pub struct TemplateView {
    /// Id.
    id: Uuid,
    /// Rises when made anew.
    version: u32,
    /// The model pack.
    pack: String,
    /// The side of the face: `frontal`, `left`, `right`, `unknown`.
    #[schema(value_type = String)]
    angle: Angle,
    /// Overall quality of the photo, 0 to 1.
    quality: f32,
    /// Made at.
    created_at: String,
}

impl From<Template> for TemplateView {
    fn from(template: Template) -> Self {
        Self {
            id: template.id.0,
            version: template.version,
            pack: template.pack.into(),
            angle: template.angle,
            quality: template.quality,
            created_at: template.created_at.to_rfc3339(),
        }
    }
}

/// A person's templates.
#[derive(Serialize, ToSchema)]
pub struct Templates {
    /// The templates, the oldest first.
    items: Vec<TemplateView>,
}

/// A person's templates.
#[utoipa::path(get, path = "/api/v1/persons/{id}/templates", operation_id = "persons_templates", tag = "persons", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The person")),
    responses(
        (status = 200, description = "The templates", body = Templates),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn templates(
    State(api): State<Api>,
    may: May<PersonsRead>,
    InPath(id): InPath<PersonId>,
) -> Result<Json<Templates>, ApiError> {
    may.person(id).await?;
    let items = api.store.templates(id).await?.into_iter().map(TemplateView::from).collect();
    Ok(Json(Templates { items }))
}
