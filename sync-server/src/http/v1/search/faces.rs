//! Have we seen this face?

use axum::Json;
use axum::extract::{DefaultBodyLimit, Request, State};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use uuid::Uuid;

use super::probe::{Named, Probe, Probed};
use crate::domain::access::Permission;
use crate::domain::access::may::Recognize;
use crate::enroll::Lookalike;
use crate::faces::held::Visit;
use crate::faces::search::{Found, Question, search};
use crate::http::access::guarded;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::ValidQuery;
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::me::searches::note;
use crate::http::v1::persons::photo_body::BODY_LIMIT_BYTES;
use crate::ports::searches::SearchKind;

/// Persons and visits named if nobody says how many.
const USUAL: usize = 10;

/// Among whom, how alike, how many.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// `persons`, `unknowns`, or both with a comma between, which is usual.
    #[garde(length(max = 30))]
    among: Option<String>,
    /// Least similarity (cosine, 0 to 1); without it, the one from which persons are named at enrollment.
    #[garde(range(min = 0.0, max = 1.0))]
    #[param(minimum = 0, maximum = 1)]
    threshold: Option<f32>,
    /// At most so many persons and so many visits, 1 to 100; 10 if it is not said.
    #[garde(range(min = 1, max = 100))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// What was found, the most alike first.
#[derive(Serialize, ToSchema)]
pub struct FacesFound {
    /// Everybody and everything named is at least so alike (cosine).
    threshold: f32,
    /// From this similarity on a door takes two faces for one.
    match_threshold: f32,
    /// Persons, each by the nearest template.
    persons: Vec<PersonFound>,
    /// Past visits of nobody known that are still kept.
    visits: Vec<VisitFound>,
}

/// A person who looks like this.
#[derive(Serialize, ToSchema)]
struct PersonFound {
    /// The person.
    person: Uuid,
    /// The name.
    name: String,
    /// Cosine similarity of the nearest template.
    similarity: f32,
}

/// A past visit that looks like this.
#[derive(Serialize, ToSchema)]
struct VisitFound {
    /// The event.
    event: Uuid,
    /// The unknown visitor it was put together as.
    unknown: Uuid,
    /// Where.
    door: Uuid,
    /// Where.
    site: Uuid,
    /// When, RFC 3339.
    at: String,
    /// Cosine similarity.
    similarity: f32,
}

/// The route, with a body limit of its own.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(guarded!(faces).layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES)))
}

/// Have we seen this face? Looked for is the one face of a picture, which is not kept, or, as JSON, the face of an event or
/// the faces of a person. Named are persons who may be known at a door within this account's reach, and visits of nobody
/// known at such doors, as long as these are kept. That it was asked, and who was named, stands in the audit log.
#[utoipa::path(post, path = "/api/v1/search/faces", operation_id = "search_faces", tag = "recognition",
    security(("bearer" = [])), params(Wanted),
    request_body(content((Named = "application/json"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"),
        (Vec<u8> = "image/webp"), (Object = "multipart/form-data")), description = "A picture, or what is meant"),
    responses(
        (status = 200, description = "What was found", body = FacesFound),
        (status = 404, description = "No such event or person", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`, `no-face-kept`, or why the picture cannot be used:
            `image-unreadable`, `image-too-large`, `no-face`, `several-faces`, `face-too-small`, `quality-too-low`",
            body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.search.faces", skip_all)]
pub async fn faces(
    State(api): State<Api>,
    may: May<Recognize>,
    ValidQuery(wanted): ValidQuery<Wanted>,
    request: Request,
) -> Result<Json<FacesFound>, ApiError> {
    let (persons, unknowns) = wanted.among()?;
    let probe = Probe::read(&api, request).await?;
    api.limits.recognize(may.caller.account).await?;
    let Probed { faces, event, person, target } = probe.faces(&api, &may).await?;
    let threshold = match wanted.threshold {
        Some(threshold) => threshold,
        None => api.recognition.lookalike_limit().await?,
    };
    let match_threshold = api.recognition.rule().await?.threshold;
    let question = Question {
        faces,
        person,
        event,
        threshold,
        limit: wanted.limit.unwrap_or(USUAL),
        circle: if persons { Some(may.circle().await?) } else { None },
        reach: unknowns.then(|| may.caller.access.reach(Permission::EventsRead)),
    };
    let Found { persons, visits } = search(&api.enrollment, &api.faces, question).await?;
    let persons: Vec<PersonFound> = persons.into_iter().map(PersonFound::from).collect();
    let visits: Vec<VisitFound> = visits.into_iter().map(VisitFound::from).collect();
    let named: Vec<Uuid> = persons.iter().map(|found| found.person).collect();
    let detail = json!({ "named": named, "visits": visits.len() });
    let of = if target.is_empty() { "picture" } else { target.as_str() };
    note(&api, &may.caller, SearchKind::Faces, of, persons.len() + visits.len()).await;
    api.audit_done(&may.caller, "search.faces", target, detail.to_string()).await?;
    Ok(Json(FacesFound { threshold, match_threshold, persons, visits }))
}

impl Wanted {
    /// Whether to look among persons, and among unknown visits.
    fn among(&self) -> Result<(bool, bool), ApiError> {
        let (mut persons, mut unknowns) = (false, false);
        for word in self.among.as_deref().unwrap_or("persons,unknowns").split(',') {
            match word.trim() {
                "persons" => persons = true,
                "unknowns" => unknowns = true,
                _ => {
                    let detail = "must be persons, unknowns, or both with a comma between".into();
                    return Err(ApiError::InvalidQuery { name: "among", detail });
                }
            }
        }
        Ok((persons, unknowns))
    }
}

impl From<Lookalike> for PersonFound {
    fn from(found: Lookalike) -> Self {
        Self { person: found.candidate.person.0, name: found.name, similarity: found.candidate.similarity }
    }
}

impl From<(Visit, f32)> for VisitFound {
    fn from((visit, similarity): (Visit, f32)) -> Self {
        Self {
            event: visit.event.0,
            unknown: visit.visitor.0,
            door: visit.door.0,
            site: visit.site.0,
            at: visit.at.to_rfc3339(),
            similarity,
        }
    }
}
