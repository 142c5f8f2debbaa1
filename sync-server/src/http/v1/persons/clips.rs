//! Clips of a person.

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use ostiary_common::ids::PersonId;
use serde::Deserialize;
use serde_json::Map;
use tokio::io::AsyncWriteExt;
use utoipa::IntoParams;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};

use super::photos::{consented, desk_failed};
use crate::clip::{self, ClipError, Turn};
use crate::domain::access::may::PersonsManage;
use crate::http::access::guarded;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, Queried};
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::captures::failed;
use crate::http::v1::captures::finish::enroll;
use crate::http::v1::captures::view::{CaptureView, Finished};

/// What a clip counts for in the budget of photos: it keeps the models about as busy.
const WORTH_PHOTOS: usize = 10;

/// What is to be done with it.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct How {
    /// Make templates at once, without showing what was found.
    #[serde(default)]
    take: bool,
}

/// The route; what comes is counted as it is written down.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(guarded!(clips).layer(DefaultBodyLimit::disable()))
}

/// Enroll a person by a clip of a few seconds: the best looks from as many sides as it shows. They wait for approval as a
/// capture (look at `/api/v1/captures/{id}/shots/{number}`, then finish or cancel), or are taken at once. The clip must
/// show one person, from the front at some time.
#[utoipa::path(post, path = "/api/v1/persons/{id}/clips", operation_id = "persons_clips", tag = "captures",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The person"), How),
    request_body(content((Vec<u8> = "video/mp4"), (Vec<u8> = "video/quicktime"), (Vec<u8> = "video/webm"),
        (Vec<u8> = "video/x-msvideo")), description = "MP4, MOV, WebM or AVI, at most 30 seconds and 64 MB"),
    responses(
        (status = 200, description = "Templates were made (`take=true`)", body = Finished),
        (status = 201, description = "The looks wait for approval", body = CaptureView),
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
    Queried(how): Queried<How>,
    request: Request,
) -> Result<Response, ApiError> {
    let circle = consented(&may, id).await?;
    api.limits.photos(may.caller.account, WORTH_PHOTOS).await?;
    let turn = api.clips.turn().map_err(clip_failed)?;
    write_down(&turn, request).await?;
    let picked = match api.clips.look_through(&turn).await.map_err(clip_failed)? {
        Ok(picked) => picked,
        Err(problem) => {
            let (slug, title, detail) = (problem.slug(), problem.title(), problem.detail());
            return Err(ApiError::Refused { slug, title, detail, more: Map::new() });
        }
    };
    drop(turn);
    if !how.take {
        let proposed = api.captures.propose(id, may.caller.account, picked.shots).map_err(failed)?;
        let detail = format!("capture:{}", proposed.id);
        api.audit_done(&may.caller, "person.capture", format!("person:{id}"), detail).await?;
        return Ok((StatusCode::CREATED, axum::Json(CaptureView::from(proposed))).into_response());
    }
    let mut readings = Vec::with_capacity(picked.shots.len());
    for shot in &picked.shots {
        readings.push((api.captures.still(shot).await.map_err(desk_failed)?, shot.keep.sha256));
    }
    let finished = enroll(&api, &may.caller, id, readings, &circle).await?;
    Ok((StatusCode::OK, axum::Json(finished)).into_response())
}

/// Writes the body to the clip's file, which goes when it is looked at.
async fn write_down(turn: &Turn<'_>, request: Request) -> Result<(), ApiError> {
    let disk = |error| clip_failed(ClipError::Disk(error));
    let mut file = tokio::fs::File::create(turn.path()).await.map_err(disk)?;
    let mut body = request.into_body().into_data_stream();
    let mut size = 0;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| ApiError::BadRequest(format!("the clip did not come whole: {error}")))?;
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
