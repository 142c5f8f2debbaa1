//! Photos of a person.

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use garde::Validate;
use ostiary_common::ids::PersonId;
use serde::Deserialize;
use serde_json::{Map, json};
use utoipa::IntoParams;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};

use super::photo_body::{BODY_LIMIT_BYTES, FIELD, read_body};
use super::photo_view::{PhotoResult, Photos};
use crate::domain::access::Circle;
use crate::domain::access::may::PersonsManage;
use crate::domain::consent::ConsentMissing;
use crate::enroll::desk::DeskError;
use crate::enroll::problem::PhotoProblem;
use crate::enroll::{Accepted, EnrollError, Lookalike};
use crate::http::access::guarded;
use crate::http::api::Api;
use crate::http::auth::{Caller, May};
use crate::http::extract::{InPath, ValidQuery};
use crate::http::problem::{ApiError, Problem};
use crate::http::within::Found;

/// The route, with a body limit of its own.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(guarded!(photos).layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES)))
}

/// What may be said of photos.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Insist {
    /// Take faces that are not those of the person's other photos, too, and more of a side than are kept. The audit log
    /// says so.
    #[garde(skip)]
    #[serde(default)]
    pub(super) insist: bool,
}

/// Enroll a person by photos: one as the body, or several in the multipart field `photo`. Each must show exactly
/// one face, large and clear, the same as the person's other photos. If none is accepted, the answer is the first
/// photo's problem (`image-unreadable`, `image-too-large`, `no-face`, `several-faces`, `face-too-small`,
/// `quality-too-low`, `another-face`, `enough-of-angle`) with all `results` in it.
#[utoipa::path(post, path = "/api/v1/persons/{id}/photos", operation_id = "persons_photos", tag = "persons", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The person"), Insist),
    request_body(content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "image/webp"),
        (Object = "multipart/form-data")), description = "JPEG, PNG or WebP"),
    responses(
        (status = 200, description = "At least one photo was accepted", body = Photos),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`body-too-large`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "No photo was accepted, or `consent-missing`", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.persons.photos", skip_all, fields(person.id = %id))]
pub async fn photos(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<PersonId>,
    ValidQuery(Insist { insist }): ValidQuery<Insist>,
    request: Request,
) -> Result<Response, ApiError> {
    let circle = consented(&may, id).await?;
    let photos = read_body(&api, request).await?;
    api.limits.photos(may.caller.account, photos.len()).await?;
    let (mut results, mut first_problem) = (Vec::with_capacity(photos.len()), None);
    for photo in photos {
        let result = match one_photo(&api, &may.caller, id, photo, (&circle, insist)).await? {
            Ok(accepted) => PhotoResult::accepted(accepted, &api.enrollment.gate),
            Err(problem) => {
                let result = PhotoResult::refused(&problem, &api.enrollment.gate);
                first_problem.get_or_insert(problem);
                result
            }
        };
        results.push(result);
    }
    let revision = api.store.revision().await?.0;
    // How full the gallery is concerns who looks after all of it.
    let gallery_warning = match circle {
        Circle::Everything => api.recognition.installation().await?.1.advice(),
        Circle::Within { .. } => None,
    };
    let coverage = api.enrollment.coverage(id).await?.into();
    answer(Photos { results, revision, coverage, gallery_warning }, first_problem)
}

/// Somebody the caller may enroll, who has consented: with whom they may be compared by name.
pub(in crate::http::v1) async fn consented(may: &May<PersonsManage>, id: PersonId) -> Result<Circle, ApiError> {
    let Found { circle, .. } = may.own_person(id).await?;
    match may.api.enrollment.consented(id).await {
        Ok(()) => Ok(circle),
        Err(error) => {
            if let EnrollError::Consent(missing) = &error {
                let (caller, target) = (&may.caller, format!("person:{id}"));
                may.api.refuse(caller.actor(), caller.address, "person.enroll", &target, missing.to_string());
            }
            Err(failed(error))
        }
    }
}

async fn one_photo(
    api: &Api,
    caller: &Caller,
    id: PersonId,
    photo: Bytes,
    (circle, insist): (&Circle, bool),
) -> Result<Result<Accepted, PhotoProblem>, ApiError> {
    let taken = api.enrollment.take_photo(id, photo, circle, insist).await.map_err(failed)?;
    if let Ok(accepted) = &taken {
        note_taken(api, caller, id, accepted).await?;
    }
    Ok(taken)
}

/// Writes down that a template was made, and whom it looks like.
pub(in crate::http::v1) async fn note_taken(
    api: &Api,
    caller: &Caller,
    id: PersonId,
    accepted: &Accepted,
) -> Result<(), ApiError> {
    let insisted = if accepted.insisted { ", insisted" } else { "" };
    let detail = format!("template:{}{insisted}", accepted.template);
    api.audit_done(caller, "person.enroll", format!("person:{id}"), detail).await?;
    note_lookalike(api, caller, id, accepted).await
}

async fn note_lookalike(api: &Api, caller: &Caller, id: PersonId, accepted: &Accepted) -> Result<(), ApiError> {
    let Some(Lookalike { candidate, limit, .. }) = &accepted.lookalike else { return Ok(()) };
    let detail = format!("person:{} at {:.4}, named from {limit:.4} on", candidate.person, candidate.similarity);
    api.audit_done(caller, "person.lookalike", format!("person:{id}"), detail).await?;
    Ok(())
}

/// 200 if anything was accepted; else the first problem, with all results in it.
fn answer(photos: Photos, first_problem: Option<PhotoProblem>) -> Result<Response, ApiError> {
    if photos.results.iter().any(|result| result.accepted) {
        return Ok((StatusCode::OK, axum::Json(photos)).into_response());
    }
    let Some(problem) = first_problem else {
        return Err(ApiError::BadRequest(format!("there is no photo in the field `{FIELD}`")));
    };
    let results = ("results".to_owned(), json!(photos.results));
    let coverage = ("coverage".to_owned(), json!(photos.coverage));
    let more = Map::from_iter([results, coverage, ("revision".to_owned(), json!(photos.revision))]);
    Err(ApiError::Refused { slug: problem.slug(), title: problem.title(), detail: problem.detail(), more })
}

/// What to do where consent is missing.
pub(in crate::http::v1) fn consent_missing(missing: ConsentMissing) -> ApiError {
    let what_to_do = match missing {
        ConsentMissing::Never | ConsentMissing::BeforeRecords | ConsentMissing::Outdated { .. } => {
            "Ask the person, and record the answer at `/api/v1/persons/{id}/consents`"
        }
        ConsentMissing::Withdrawn => {
            "Only if the person has changed their mind: record it at `/api/v1/persons/{id}/consents`"
        }
    };
    ApiError::Refused {
        slug: "consent-missing",
        title: "The person has not consented",
        detail: format!("No photo is taken: {missing}. {what_to_do}."),
        more: Map::new(),
    }
}

/// What enrollment's failures mean to a client.
pub(in crate::http::v1) fn failed(error: EnrollError) -> ApiError {
    match error {
        EnrollError::Store(error) => error.into(),
        EnrollError::Consent(missing) => consent_missing(missing),
        EnrollError::Desk(error) => desk_failed(error),
    }
}

/// What the desk's failures mean to a client.
pub(in crate::http::v1) fn desk_failed(error: DeskError) -> ApiError {
    match error {
        DeskError::Failed(why) => ApiError::Internal(why),
        DeskError::Busy => ApiError::Unavailable { detail: error.to_string(), retry_after_s: 2 },
        DeskError::Broken(_) => ApiError::Unavailable { detail: error.to_string(), retry_after_s: 60 },
    }
}
