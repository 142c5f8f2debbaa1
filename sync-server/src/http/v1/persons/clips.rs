//! Clips of a person.

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use garde::Validate;
use ostiary_common::ids::PersonId;
use serde::{Deserialize, Serialize};
use serde_json::Map;
use tokio::io::AsyncWriteExt;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use uuid::Uuid;

use super::photos::{consented, desk_failed};
use crate::clip::work::ClipPlan;
use crate::clip::{self, ClipError, ClipProblem, Clips, Turn};
use crate::domain::access::may::PersonsManage;
use crate::domain::job::{JobKind, NewItem};
use crate::enroll::batch::json;
use crate::http::access::guarded;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, ValidQuery};
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::captures::failed;
use crate::http::v1::captures::view::CaptureView;
use crate::http::v1::persons::photo_batch::not_filled;
use crate::jobs::filling::Order;

/// What a clip counts for in the budget of photos: it keeps the models about as busy.
const WORTH_PHOTOS: usize = 10;
/// Bytes that tell what a file is.
const HEAD_BYTES: usize = 16;

/// The number of the job's only item, and of what was uploaded for it.
const ITEM: u64 = 0;

/// What is to be done with it.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct How {
    /// Make templates without showing what was found first: as a job, after the answer.
    #[garde(skip)]
    #[serde(default)]
    take: bool,
}

/// The route; what comes is counted as it is written down.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(guarded!(clips).layer(DefaultBodyLimit::disable()))
}

/// A clip that was taken.
#[derive(Serialize, ToSchema)]
pub struct ClipJob {
    /// The job, to be watched at `/api/v1/jobs/{id}`; its one item says what became of each look.
    job: Uuid,
}

/// Enroll a person by a clip of a few seconds: the best looks from as many sides as it shows. They wait for approval as a
/// capture (look at `/api/v1/captures/{id}/shots/{number}`, then finish or cancel), or become templates by a job
/// (`take=true`), which also waits its turn behind other clips. The clip must show one person, from the front at some time.
#[utoipa::path(post, path = "/api/v1/persons/{id}/clips", operation_id = "persons_clips", tag = "captures",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The person"), How),
    request_body(content((Vec<u8> = "video/mp4"), (Vec<u8> = "video/quicktime"), (Vec<u8> = "video/webm"),
        (Vec<u8> = "video/x-msvideo")), description = "MP4, MOV, WebM or AVI, at most 30 seconds and 64 MB"),
    responses(
        (status = 201, description = "The looks wait for approval", body = CaptureView),
        (status = 202, description = "It is worked on (`take=true`)", body = ClipJob),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`body-too-large`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`consent-missing`, or why the clip cannot be used: `clip-unsupported`,
            `clip-unreadable`, `clip-without-video`, `clip-too-long`, `clip-too-large`, `clip-too-costly`, `no-face`,
            `several-faces`, `quality-too-low`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: another clip is being looked at, or there is no decoder",
            body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.persons.clips", skip_all, fields(person.id = %id))]
pub async fn clips(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<PersonId>,
    ValidQuery(how): ValidQuery<How>,
    request: Request,
) -> Result<Response, ApiError> {
    consented(&may, id).await?;
    api.limits.photos(may.caller.account, WORTH_PHOTOS).await?;
    api.clips.is_able().map_err(clip_failed)?;
    if how.take {
        return later(&api, &may, id, request).await;
    }
    let turn = api.clips.turn().map_err(clip_failed)?;
    write_down(&turn, request).await?;
    let picked = api.clips.look_through(&turn).await.map_err(clip_failed)?.map_err(|problem| refused(&problem))?;
    drop(turn);
    let proposed = api.captures.propose(id, may.caller.account, picked.shots).map_err(failed)?;
    let detail = format!("capture:{}", proposed.id);
    api.audit_done(&may.caller, "person.capture", format!("person:{id}"), detail).await?;
    Ok((StatusCode::CREATED, axum::Json(CaptureView::from(proposed))).into_response())
}

/// Makes a job of a clip. What it cannot be is told at once, by its first bytes.
async fn later(api: &Api, may: &May<PersonsManage>, id: PersonId, request: Request) -> Result<Response, ApiError> {
    let caller = &may.caller;
    api.limits.upload(caller.account).await?;
    let plan = json(&ClipPlan { source: caller.address.to_string() });
    let order = Order { kind: JobKind::Clip, account: Some(caller.account), person: Some(id), uploads: true, plan };
    let mut filling = api.jobs.begin(order).await.map_err(not_filled)?;
    let mut upload = filling.upload(ITEM).await.map_err(not_filled)?;
    let mut body = request.into_body().into_data_stream();
    let mut head = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| cut_off(&error))?;
        head.extend(chunk.iter().take(HEAD_BYTES - head.len().min(HEAD_BYTES)));
        upload = upload.write(chunk, clip::MOST_BYTES as u64).await.map_err(|error| not_filled(error.into()))?;
    }
    if !Clips::takes(&head) {
        return Err(refused(&ClipProblem::Unsupported));
    }
    upload.finish().await.map_err(|error| not_filled(error.into()))?;
    filling.add(NewItem { task: b"{}".to_vec(), ..NewItem::default() }).await.map_err(not_filled)?;
    let job = filling.release().await.map_err(not_filled)?;
    api.audit_done(caller, "job.clip", format!("job:{job}"), format!("of person:{id}")).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(ClipJob { job: job.0 })).into_response())
}

fn refused(problem: &ClipProblem) -> ApiError {
    let (slug, title, detail) = (problem.slug(), problem.title(), problem.detail());
    ApiError::Refused { slug, title, detail, more: Map::new() }
}

fn cut_off(error: &axum::Error) -> ApiError {
    ApiError::BadRequest(format!("the clip did not come whole: {error}"))
}

/// Writes the body to the clip's file, which goes when it is looked at.
async fn write_down(turn: &Turn<'_>, request: Request) -> Result<(), ApiError> {
    let disk = |error| clip_failed(ClipError::Disk(error));
    let mut file = tokio::fs::File::create(turn.path()).await.map_err(disk)?;
    let mut body = request.into_body().into_data_stream();
    let mut size = 0;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| cut_off(&error))?;
        size += chunk.len();
        if size > clip::MOST_BYTES {
            return Err(ApiError::BodyTooLarge("a clip has at most 64 MB; three to ten seconds do best".into()));
        }
        file.write_all(&chunk).await.map_err(disk)?;
    }
    file.flush().await.map_err(disk)
}

fn clip_failed(error: ClipError) -> ApiError {
    match error {
        ClipError::Busy => ApiError::Unavailable { detail: error.to_string(), retry_after_s: 5 },
        ClipError::NoDecoder(_) => ApiError::Unavailable { detail: error.to_string(), retry_after_s: 3600 },
        ClipError::Desk(error) => desk_failed(error),
        error @ (ClipError::Disk(_) | ClipError::Decoder(_)) => ApiError::Internal(error.to_string()),
    }
}
