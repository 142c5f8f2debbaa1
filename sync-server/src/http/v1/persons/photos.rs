//! Photos of a person.

use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use ostiary_common::ids::PersonId;
use ostiary_models::geometry::Rect;
use serde::Serialize;
use serde_json::{Map, json};
use utoipa::ToSchema;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;
use uuid::Uuid;

use crate::enroll::desk::DeskError;
use crate::enroll::problem::PhotoProblem;
use crate::enroll::{Accepted, EnrollError};
use crate::http::api::Api;
use crate::http::auth::{Admin, Caller};
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem, problem_value};
use crate::http::v1::events::item::Quality;

/// The most a request may hold whatever the configuration says; the configured limits are checked within it.
const BODY_LIMIT_BYTES: usize = 200 * 1024 * 1024;
/// The multipart field photos come in.
const FIELD: &str = "photo";

/// What became of each photo, in the order they were sent.
#[derive(Serialize, ToSchema)]
pub struct Photos {
    /// One result per photo.
    results: Vec<PhotoResult>,
    /// The gallery's revision after them.
    revision: u64,
}

/// What became of a photo.
#[derive(Serialize, ToSchema)]
pub struct PhotoResult {
    /// Whether it became a template.
    accepted: bool,
    /// The template.
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<Uuid>,
    /// The same photo was sent before; nothing was added.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    duplicate: bool,
    /// How good the face is.
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<Quality>,
    /// Where the face is, in pixels of the upright photo.
    #[serde(skip_serializing_if = "Option::is_none")]
    face: Option<FaceBox>,
    /// Something to look at, although the photo was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<Warning>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

/// A rectangle in pixels.
#[derive(Serialize, ToSchema)]
struct FaceBox {
    /// Left edge.
    left: f32,
    /// Top edge.
    top: f32,
    /// Width.
    width: f32,
    /// Height.
    height: f32,
}

/// Another person looks alike enough to be mistaken.
#[derive(Serialize, ToSchema)]
struct Warning {
    /// `lookalike`.
    #[schema(value_type = String)]
    kind: &'static str,
    /// The other person.
    person: Uuid,
    /// Cosine similarity.
    similarity: f32,
    /// What to do.
    detail: String,
}

/// The route, with a body limit of its own.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(photos).layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES)))
}

/// Enroll a person by photos: one as the body, or several in the multipart field `photo`. Each must show exactly
/// one face, large and clear. If none is accepted, the answer is the first photo's problem (`image-unreadable`,
/// `image-too-large`, `no-face`, `several-faces`, `face-too-small`, `quality-too-low`) with all `results` in it.
#[utoipa::path(post, path = "/api/v1/persons/{id}/photos", tag = "persons", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The person")),
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
    Admin(caller): Admin,
    InPath(id): InPath<PersonId>,
    request: Request,
) -> Result<Response, ApiError> {
    let person = api.store.person(id).await?.ok_or(ApiError::NotFound("person"))?;
    if person.consent_at.is_none() {
        api.refuse(caller.actor(), caller.address, "person.enroll", &format!("person:{id}"), "no consent".into());
        return Err(consent_missing());
    }
    let photos = read_body(&api, request).await?;
    api.limits.photos(caller.user.id, photos.len())?;
    let (mut results, mut first_problem) = (Vec::with_capacity(photos.len()), None);
    for photo in photos {
        results.push(match one_photo(&api, &caller, id, photo).await? {
            Ok(accepted) => accepted.into(),
            Err(problem) => {
                first_problem.get_or_insert_with(|| problem.clone());
                problem.into()
            }
        });
    }
    let revision = api.store.revision().await?.0;
    answer(Photos { results, revision }, first_problem)
}

async fn one_photo(
    api: &Api,
    caller: &Caller,
    id: PersonId,
    photo: Bytes,
) -> Result<Result<Accepted, PhotoProblem>, ApiError> {
    let taken = api.enrollment.take_photo(id, photo).await.map_err(failed)?;
    if let Ok(accepted) = &taken {
        let detail = format!("template:{}", accepted.template);
        api.audit_done(caller, "person.enroll", format!("person:{id}"), detail).await?;
    }
    Ok(taken)
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
    let more = Map::from_iter([results, ("revision".to_owned(), json!(photos.revision))]);
    Err(ApiError::Refused { slug: problem.slug(), title: problem.title(), detail: problem.detail(), more })
}

/// The photos of a request: its body, or the fields of a form.
async fn read_body(api: &Api, request: Request) -> Result<Vec<Bytes>, ApiError> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let media = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let photos = match media.as_str() {
        "multipart/form-data" => read_form(api, request).await?,
        "" | "application/octet-stream" | "image/jpeg" | "image/png" | "image/webp" => {
            vec![Bytes::from_request(request, &()).await.map_err(|e| too_large(api, e.status(), e.body_text()))?]
        }
        other => {
            let detail = format!("send JPEG, PNG or WebP, or multipart/form-data, not {other}");
            return Err(ApiError::UnsupportedMediaType(detail));
        }
    };
    match photos.iter().find(|photo| photo.len() > api.bounds.photo_max_bytes()) {
        Some(photo) => Err(photo_too_large(api, photo.len())),
        None => Ok(photos),
    }
}

async fn read_form(api: &Api, request: Request) -> Result<Vec<Bytes>, ApiError> {
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|e| ApiError::BadRequest(format!("the form cannot be read: {}", e.body_text())))?;
    let mut photos = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|e| too_large(api, e.status(), e.body_text()))? {
        if field.name() != Some(FIELD) {
            continue;
        }
        if photos.len() == api.bounds.photos_per_request {
            let detail = format!("at most {} photos in one request", api.bounds.photos_per_request);
            return Err(ApiError::Invalid { field: FIELD, detail });
        }
        photos.push(field.bytes().await.map_err(|e| too_large(api, e.status(), e.body_text()))?);
    }
    Ok(photos)
}

fn too_large(api: &Api, status: StatusCode, words: String) -> ApiError {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => photo_too_large(api, BODY_LIMIT_BYTES),
        _ => ApiError::BadRequest(words),
    }
}

fn photo_too_large(api: &Api, size_bytes: usize) -> ApiError {
    let (found, allowed) = (size_bytes / (1024 * 1024), api.bounds.photo_max_megabytes);
    ApiError::BodyTooLarge(format!("a photo has {found} MB or more; at most {allowed} MB are taken"))
}

fn consent_missing() -> ApiError {
    ApiError::Refused {
        slug: "consent-missing",
        title: "The person has not consented",
        detail: "Ask the person, and add them again with `consent: true`; without consent no photo is taken.".into(),
        more: Map::new(),
    }
}

fn failed(error: EnrollError) -> ApiError {
    match error {
        EnrollError::Store(error) => error.into(),
        EnrollError::Desk(DeskError::Failed(why)) => ApiError::Internal(why),
        EnrollError::Desk(error @ DeskError::Busy) => {
            ApiError::Unavailable { detail: error.to_string(), retry_after_s: 2 }
        }
        EnrollError::Desk(error @ DeskError::Broken(_)) => {
            ApiError::Unavailable { detail: error.to_string(), retry_after_s: 60 }
        }
    }
}

impl From<Accepted> for PhotoResult {
    fn from(accepted: Accepted) -> Self {
        let warning = accepted.lookalike.map(|other| Warning {
            kind: "lookalike",
            person: other.person.0,
            similarity: other.similarity,
            detail: "Another person looks alike: check that this is not the same person enrolled twice.".into(),
        });
        Self {
            accepted: true,
            template: Some(accepted.template.0),
            duplicate: accepted.revision.is_none(),
            quality: Some(accepted.quality.summary().into()),
            face: Some(accepted.face.into()),
            warning,
            problem: None,
        }
    }
}

impl From<PhotoProblem> for PhotoResult {
    fn from(problem: PhotoProblem) -> Self {
        let quality = match &problem {
            PhotoProblem::QualityTooLow { quality, .. } => Some(quality.summary().into()),
            _ => None,
        };
        let problem = problem_value(problem.slug(), problem.title(), problem.detail());
        Self {
            accepted: false,
            template: None,
            duplicate: false,
            quality,
            face: None,
            warning: None,
            problem: Some(problem),
        }
    }
}

impl From<Rect> for FaceBox {
    fn from(Rect { left, top, width, height }: Rect) -> Self {
        Self { left, top, width, height }
    }
}
