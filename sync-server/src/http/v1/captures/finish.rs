//! Making templates of what was taken.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use ostiary_common::ids::{CaptureId, PersonId};
use ostiary_common::wire::Angle;
use ostiary_models::guided::ANGLES;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::Finished;
use super::{failed, own};
use crate::domain::access::Circle;
use crate::domain::access::may::PersonsManage;
use crate::enroll::reader::Reading;
use crate::http::api::Api;
use crate::http::auth::{Caller, May};
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::persons::photo_view::PhotoResult;
use crate::http::v1::persons::photos::{failed as enroll_failed, note_taken};

/// Which looks.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The numbers of the looks to make templates of; all if it is not said.
    #[garde(inner(length(min = 1, max = 16)))]
    #[serde(default)]
    #[schema(max_items = 16)]
    shots: Option<Vec<usize>>,
}

/// End a capture and make templates of what was taken. A guided one may be finished before all angles were, as soon as
/// the front was.
#[utoipa::path(post, path = "/api/v1/captures/{id}/finish", operation_id = "captures_finish", tag = "captures",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The capture")), request_body = Choice,
    responses(
        (status = 200, description = "Templates were made", body = Finished),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: nothing was taken, or nothing may be made of it", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`, or `consent-missing`", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.captures.finish", skip_all, fields(capture.id = %id))]
pub async fn finish(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<CaptureId>,
    Valid(body): Valid<Choice>,
) -> Result<Json<Finished>, ApiError> {
    let (held, circle) = own(&may, id).await?;
    let readings = api.captures.finish(&held, body.shots.as_deref()).await.map_err(failed)?;
    enroll(&api, &may.caller, held.person, readings, &circle).await.map(Json)
}

/// Makes templates of looks and says what became of each.
async fn enroll(
    api: &Api,
    caller: &Caller,
    person: PersonId,
    readings: Vec<(Reading, [u8; 32])>,
    circle: &Circle,
) -> Result<Finished, ApiError> {
    let mut results = Vec::with_capacity(readings.len());
    for (reading, source) in readings {
        let taken = api.enrollment.take_reading(person, reading, source, circle, false).await.map_err(enroll_failed)?;
        results.push(match taken {
            Ok(accepted) => {
                note_taken(api, caller, person, &accepted).await?;
                PhotoResult::accepted(accepted, &api.enrollment.gate)
            }
            Err(problem) => PhotoResult::refused(&problem, &api.enrollment.gate),
        });
    }
    let revision = api.store.revision().await?.0;
    Ok(Finished { results, revision, missing: missing(api, person).await? })
}

async fn missing(api: &Api, person: PersonId) -> Result<Vec<Angle>, ApiError> {
    let templates = api.store.templates(person).await?;
    let has = |angle: &Angle| templates.iter().any(|it| it.angle == *angle && it.pack == api.pack);
    Ok(ANGLES.into_iter().filter(|angle| !has(angle)).collect())
}
