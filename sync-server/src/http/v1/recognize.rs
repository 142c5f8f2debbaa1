//! Who would this be? One picture, looked up among everyone enrolled.

use axum::Json;
use axum::extract::{DefaultBodyLimit, Request, State};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use uuid::Uuid;

use super::events::quality::Quality;
use super::persons::photo_body::{BODY_LIMIT_BYTES, read_body};
use super::persons::photo_view::FaceBox;
use super::persons::photos::failed;
use crate::domain::access::may::Recognize;
use crate::enroll::Lookalike;
use crate::http::access::guarded;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::ValidQuery;
use crate::http::problem::{ApiError, Problem};

/// Persons looked at before the nearest are named.
const LOOKED_AT: usize = 200;
/// Persons named if nobody says how many.
const USUAL: usize = 5;

/// How strict, and how many.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Least similarity (cosine, 0 to 1) of a match; without it, the one in force for the installation.
    #[garde(range(min = 0.0, max = 1.0))]
    #[param(minimum = 0, maximum = 1)]
    threshold: Option<f32>,
    /// At most so many persons, 1 to 20; 5 if it is not said.
    #[garde(range(min = 1, max = 20))]
    #[param(minimum = 1, maximum = 20)]
    limit: Option<usize>,
}

/// Who this would be.
#[derive(Serialize, ToSchema)]
pub struct Recognized {
    /// The person a door would take this for; absent if nobody is near enough, or two are too near each other.
    person: Option<Uuid>,
    /// Least similarity (cosine) of a match.
    threshold: f32,
    /// Least distance (cosine) to the second person.
    margin: f32,
    /// The nearest persons from the threshold on, the most alike first.
    candidates: Vec<CandidateView>,
    /// How good the face is.
    quality: Quality,
    /// Where the face is, in pixels of the upright picture.
    face: FaceBox,
}

/// A person this might be.
#[derive(Serialize, ToSchema)]
struct CandidateView {
    /// The person.
    person: Uuid,
    /// The name.
    name: String,
    /// Cosine similarity of the nearest template.
    similarity: f32,
}

/// The route, with a body limit of its own.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(guarded!(recognize).layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES)))
}

/// Who would this be? The picture must show exactly one face, large and clear, as for enrollment, and is not kept. Only
/// persons are named who may be known at a door within this account's reach. That it was asked, and who was named, stands
/// in the audit log.
#[utoipa::path(post, path = "/api/v1/recognize", operation_id = "recognize", tag = "recognition",
    security(("bearer" = [])), params(Wanted),
    request_body(content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "image/webp"),
        (Object = "multipart/form-data")), description = "JPEG, PNG or WebP"),
    responses(
        (status = 200, description = "Who this would be", body = Recognized),
        (status = 422, description = "`invalid-value`, or why the picture cannot be used: `image-unreadable`,
            `image-too-large`, `no-face`, `several-faces`, `face-too-small`, `quality-too-low`", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.recognize", skip_all)]
pub async fn recognize(
    State(api): State<Api>,
    may: May<Recognize>,
    ValidQuery(wanted): ValidQuery<Wanted>,
    request: Request,
) -> Result<Json<Recognized>, ApiError> {
    let mut photos = read_body(&api, request).await?;
    let (Some(photo), true) = (photos.pop(), photos.is_empty()) else {
        return Err(ApiError::BadRequest("send one picture".into()));
    };
    api.limits.recognize(may.caller.account).await?;
    let rule = api.recognition.installation().await?.1.rule;
    let threshold = wanted.threshold.unwrap_or(rule.threshold);
    // The margin counts whoever comes near, named or not.
    let near = (threshold - rule.margin).max(0.0);
    let circle = may.circle().await?;
    let (reading, found) = match api.enrollment.look_up(photo, near, &circle, LOOKED_AT).await.map_err(failed)? {
        Ok(found) => found,
        Err(problem) => {
            let (slug, title, detail) = (problem.slug(), problem.title(), problem.detail());
            return Err(ApiError::Refused { slug, title, detail, more: Map::new() });
        }
    };
    let person = decided(&found, threshold, rule.margin);
    let named = found.into_iter().filter(|it| it.candidate.similarity >= threshold);
    let candidates: Vec<CandidateView> = named.take(wanted.limit.unwrap_or(USUAL)).map(CandidateView::from).collect();
    audit(&api, &may, (threshold, person), &candidates).await?;
    let (quality, face) = (reading.quality.summary().into(), reading.face.into());
    Ok(Json(Recognized { person, threshold, margin: rule.margin, candidates, quality, face }))
}

/// Whom a door would take this for.
fn decided(found: &[Lookalike], threshold: f32, margin: f32) -> Option<Uuid> {
    let best = found.first().filter(|best| best.candidate.similarity >= threshold)?;
    let second = found.get(1).map_or(0.0, |second| second.candidate.similarity);
    (best.candidate.similarity - second >= margin).then_some(best.candidate.person.0)
}

/// Who was asked about and named, by ids; no picture, no similarity.
async fn audit(
    api: &Api,
    may: &May<Recognize>,
    (threshold, person): (f32, Option<Uuid>),
    candidates: &[CandidateView],
) -> Result<(), ApiError> {
    let named: Vec<Uuid> = candidates.iter().map(|candidate| candidate.person).collect();
    let target = person.map_or_else(String::new, |person| format!("person:{person}"));
    let detail = json!({ "threshold": threshold, "named": named });
    Ok(api.audit_done(&may.caller, "recognize", target, detail.to_string()).await?)
}

impl From<Lookalike> for CandidateView {
    fn from(found: Lookalike) -> Self {
        Self { person: found.candidate.person.0, name: found.name, similarity: found.candidate.similarity }
    }
}
