//! Giving a capture up.

use axum::extract::State;
use axum::http::StatusCode;
use ostiary_common::ids::CaptureId;

use crate::domain::access::may::PersonsManage;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// End a capture and forget what was taken.
#[utoipa::path(post, path = "/api/v1/captures/{id}/cancel", operation_id = "captures_cancel", tag = "captures",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The capture")),
    responses(
        (status = 204, description = "Forgotten"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn cancel(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<CaptureId>,
) -> Result<StatusCode, ApiError> {
    // Whoever began it may end it, whatever became of the person.
    let held = may.found(api.captures.of(id, may.caller.account), "capture")?;
    api.captures.cancel(held.id);
    Ok(StatusCode::NO_CONTENT)
}
