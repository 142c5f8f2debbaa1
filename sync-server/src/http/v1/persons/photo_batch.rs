//! Many photos of a person, worked on after the answer.

use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::http::StatusCode;
use ostiary_common::ids::PersonId;
use ostiary_models::photo;
use serde::Serialize;
use serde_json::{Map, json};
use utoipa::ToSchema;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use uuid::Uuid;

use super::photo_body::FIELD;
use super::photos::{Insist, consented};
use crate::domain::access::may::PersonsManage;
use crate::domain::job::{JobKind, NewItem};
use crate::enroll::batch::{PhotoTask, PhotosPlan, json as to_json};
use crate::enroll::problem::PhotoProblem;
use crate::http::access::guarded;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, ValidQuery};
use crate::http::problem::{ApiError, Problem, problem_value};
use crate::jobs::filling::{FillError, Filling, Order};

/// The most a batch may hold whatever the configuration says.
const BODY_LIMIT_BYTES: usize = 2 * 1024 * 1024 * 1024;
/// Characters of a file's name that are kept.
const MOST_LABEL_CHARS: usize = 120;

/// The route, with a body limit of its own.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(guarded!(batch).layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES)))
}

/// A batch that was taken.
#[derive(Serialize, ToSchema)]
pub struct PhotoBatch {
    /// The job, to be watched at `/api/v1/jobs/{id}`.
    job: Uuid,
    /// How many photos are worked on.
    queued: u64,
    /// Files that no reader of photos would take.
    refused: Vec<RefusedFile>,
}

/// A file that was not taken.
#[derive(Serialize, ToSchema)]
pub struct RefusedFile {
    /// Its place among those sent, from 0 on.
    index: usize,
    /// Why.
    problem: Problem,
}

/// Enroll a person by many photos, in the multipart field `photo`: they are looked at after the answer, as a job. Files
/// that are no photos, or too large, are told at once and not queued.
#[utoipa::path(post, path = "/api/v1/persons/{id}/photos/batch", operation_id = "persons_photos_batch", tag = "persons",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The person"), Insist),
    request_body(content = Object, content_type = "multipart/form-data", description = "Photos, each a field `photo`"),
    responses(
        (status = 202, description = "They are worked on", body = PhotoBatch),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`body-too-large`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`no-photo-taken`: no file is a photo; or `consent-missing`", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.persons.photo_batch", skip_all, fields(person.id = %id))]
pub async fn batch(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<PersonId>,
    ValidQuery(Insist { insist }): ValidQuery<Insist>,
    request: Request,
) -> Result<(StatusCode, axum::Json<PhotoBatch>), ApiError> {
    consented(&may, id).await?;
    let caller = &may.caller;
    api.limits.upload(caller.account).await?;
    let form = Multipart::from_request(request, &()).await;
    let form = form.map_err(|e| ApiError::BadRequest(format!("the form cannot be read: {}", e.body_text())))?;
    let plan = to_json(&PhotosPlan { insist, source: caller.address.to_string() });
    let order = Order { kind: JobKind::Photos, account: Some(caller.account), person: Some(id), uploads: true, plan };
    let mut filling = api.jobs.begin(order).await.map_err(not_filled)?;
    let (queued, refused) = read(&api, form, &mut filling).await?;
    if queued == 0 {
        return Err(nothing_taken(&refused));
    }
    let job = filling.release().await.map_err(not_filled)?;
    let words = format!("{queued} photos{}", if insist { ", insisting" } else { "" });
    api.audit_done(caller, "job.photos", format!("job:{job}"), words).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(PhotoBatch { job: job.0, queued, refused })))
}

/// Takes in the files one by one, so that one is in memory at a time.
async fn read(api: &Api, mut form: Multipart, filling: &mut Filling) -> Result<(u64, Vec<RefusedFile>), ApiError> {
    let (mut queued, mut refused, mut index) = (0, Vec::new(), 0);
    while let Some(field) = form.next_field().await.map_err(|e| unread(e.status(), e.body_text()))? {
        if field.name() != Some(FIELD) {
            continue;
        }
        if index == api.bounds.photos_per_batch {
            let detail = format!("at most {} photos in one batch", api.bounds.photos_per_batch);
            return Err(ApiError::Invalid { field: FIELD, detail });
        }
        let label: String = field.file_name().unwrap_or_default().chars().take(MOST_LABEL_CHARS).collect();
        let bytes = field.bytes().await.map_err(|e| unread(e.status(), e.body_text()))?;
        match checked(api, &bytes) {
            Err(problem) => refused.push(RefusedFile { index, problem: *problem }),
            Ok(()) => {
                let n = filling.add(NewItem { task: to_json(&PhotoTask { label }), ..NewItem::default() }).await;
                let upload = filling.upload(n.map_err(not_filled)?).await.map_err(not_filled)?;
                let upload = upload.write(bytes, u64::MAX).await.map_err(|e| not_filled(e.into()))?;
                upload.finish().await.map_err(|e| not_filled(e.into()))?;
                queued += 1;
            }
        }
        index += 1;
    }
    Ok((queued, refused))
}

fn checked(api: &Api, bytes: &[u8]) -> Result<(), Box<Problem>> {
    if bytes.len() > api.bounds.photo_max_bytes() {
        let detail = format!("at most {} MB are taken", api.bounds.photo_max_megabytes);
        return Err(Box::new(problem_value("body-too-large", "The photo is too large", detail)));
    }
    photo::check(bytes).map_err(|error| {
        let problem = PhotoProblem::from(error);
        Box::new(problem_value(problem.slug(), problem.title(), problem.detail()))
    })
}

fn nothing_taken(refused: &[RefusedFile]) -> ApiError {
    if refused.is_empty() {
        return ApiError::BadRequest(format!("there is no photo in the field `{FIELD}`"));
    }
    ApiError::Refused {
        slug: "no-photo-taken",
        title: "No file is a photo",
        detail: "None of the files is a photo that can be read; `refused` says why of each.".into(),
        more: Map::from_iter([("refused".to_owned(), json!(refused))]),
    }
}

fn unread(status: StatusCode, words: String) -> ApiError {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::BodyTooLarge("the batch is too large; send several".into()),
        _ => ApiError::BadRequest(words),
    }
}

/// What a job that could not be put together means to a client.
pub(in crate::http::v1) fn not_filled(error: FillError) -> ApiError {
    use crate::jobs::spool::SpoolError;
    match error {
        FillError::Store(error) => error.into(),
        FillError::Spool(SpoolError::TooLarge { at_most }) => {
            ApiError::BodyTooLarge(format!("at most {} MB are taken", at_most / (1024 * 1024)))
        }
        FillError::Spool(error) => {
            tracing::error!(%error, "an upload could not be kept: {error}");
            ApiError::Unavailable { detail: "the server's disk does not take uploads now".into(), retry_after_s: 60 }
        }
    }
}
