//! A frame of a guided capture, and the next hint.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::StatusCode;
use ostiary_common::ids::CaptureId;
use serde_json::Map;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};

use super::view::FrameAnswer;
use super::{failed, own};
use crate::domain::access::may::PersonsManage;
use crate::http::access::guarded;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// The largest frame: one of four megapixels with little loss.
const FRAME_LIMIT_BYTES: usize = 4 * 1024 * 1024;

/// The route, with a body limit of its own.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(guarded!(frames).layer(DefaultBodyLimit::max(FRAME_LIMIT_BYTES)))
}

/// Show a frame: the answer says what keeps it from being taken, what to tell the person, and what was measured. A frame
/// that cannot be read is refused and changes nothing. Send the next one when this one is answered; 5 to 15 a second do
/// well, 640x480 or more.
#[utoipa::path(post, path = "/api/v1/captures/{id}/frames", operation_id = "captures_frames", tag = "captures",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The capture")),
    request_body(content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "image/webp")),
        description = "JPEG, PNG or WebP, at most 4 megapixels and 4 MB, not mirrored"),
    responses(
        (status = 200, description = "What it showed", body = FrameAnswer),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: the frame before is still looked at", body = Problem,
            content_type = "application/problem+json"),
        (status = 413, description = "`body-too-large`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`image-unreadable` or `image-too-large`", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.captures.frames", skip_all, fields(capture.id = %id))]
pub async fn frames(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<CaptureId>,
    request: Request,
) -> Result<Json<FrameAnswer>, ApiError> {
    let (held, _) = own(&may, id).await?;
    api.limits.frame(may.caller.account).await?;
    let frame = Bytes::from_request(request, &()).await.map_err(|error| refused(&error))?;
    match api.captures.frame(&held, frame).await.map_err(failed)? {
        Ok(answer) => Ok(Json(answer.into())),
        Err(problem) => {
            let (slug, title, detail) = (problem.slug(), problem.title(), problem.detail());
            Err(ApiError::Refused { slug, title, detail, more: Map::new() })
        }
    }
}

fn refused(rejection: &BytesRejection) -> ApiError {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::BodyTooLarge("a frame has at most 4 MB".into()),
        _ => ApiError::BadRequest(rejection.body_text()),
    }
}
