//! Who could be mistaken for a person.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use ostiary_common::ids::PersonId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::photos::failed;
use crate::domain::access::may::PersonsRead;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, ValidQuery};
use crate::http::paging;
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::http::v1::recognition::values::similarity;

/// Which others.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// From this similarity (cosine, 0 to 1) on; without it, from the limit in force.
    #[garde(inner(custom(rules::similarity)))]
    above: Option<f32>,
    /// At most so many, 1 to 500.
    #[garde(range(min = 1, max = paging::MAX_LIMIT))]
    limit: Option<u32>,
}

/// Who could be mistaken for a person.
#[derive(Serialize, ToSchema)]
pub struct Lookalikes {
    /// Others are named from this similarity (cosine) on.
    above: f32,
    /// The others, the most alike first.
    items: Vec<LookalikeView>,
}

/// Another person who looks alike.
#[derive(Serialize, ToSchema)]
struct LookalikeView {
    /// The person.
    person: Uuid,
    /// The name.
    name: String,
    /// Cosine similarity of the nearest two templates.
    similarity: f32,
}

/// Who could be mistaken for a person: others whose templates come near.
#[utoipa::path(get, path = "/api/v1/persons/{id}/lookalikes", operation_id = "persons_lookalikes", tag = "persons",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The person"), Wanted),
    responses(
        (status = 200, description = "The others, the most alike first", body = Lookalikes),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.persons.lookalikes", skip_all, fields(person.id = %id))]
pub async fn lookalikes(
    State(api): State<Api>,
    may: May<PersonsRead>,
    InPath(id): InPath<PersonId>,
    ValidQuery(wanted): ValidQuery<Wanted>,
) -> Result<Json<Lookalikes>, ApiError> {
    let limit = paging::limit(wanted.limit)? as usize;
    let above = match similarity("above", wanted.above)? {
        Some(above) => above.get(),
        None => api.recognition.lookalike_limit().await?,
    };
    let circle = may.person(id).await?.circle;
    let found = api.enrollment.lookalikes_of(id, above, &circle, limit).await.map_err(failed)?;
    let items = found.into_iter().map(|found| LookalikeView {
        person: found.candidate.person.0,
        name: found.name,
        similarity: found.candidate.similarity,
    });
    Ok(Json(Lookalikes { above, items: items.collect() }))
}
