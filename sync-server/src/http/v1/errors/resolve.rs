//! Saying that an error was dealt with.

use axum::Json;
use axum::extract::State;

use super::view::FaultView;
use crate::domain::access::may::HealthManage;
use crate::domain::fault::Fingerprint;
use crate::http::api::Api;
use crate::http::auth::Throughout;
use crate::http::extract::TextInPath;
use crate::http::problem::{ApiError, Problem};

/// Say that an error was dealt with. It is open again once it recurs.
#[utoipa::path(post, path = "/api/v1/errors/{fingerprint}/resolve", operation_id = "errors_resolve", tag = "health",
    security(("bearer" = [])), params(("fingerprint" = String, Path, description = "Which")),
    responses(
        (status = 200, description = "Resolved", body = FaultView),
        (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.errors.resolve", skip_all)]
pub async fn resolve(
    State(api): State<Api>,
    may: Throughout<HealthManage>,
    TextInPath(fingerprint): TextInPath,
) -> Result<Json<FaultView>, ApiError> {
    let caller = may.caller;
    let fingerprint = Fingerprint::parse(&fingerprint).ok_or(ApiError::NotFound("error"))?;
    api.recorder.flush().await?;
    if !api.health_store.resolve_fault(&fingerprint, &caller.actor(), api.now()).await? {
        return Err(ApiError::NotFound("error"));
    }
    api.audit_done(&caller, "errors.resolve", format!("error:{fingerprint}"), String::new()).await?;
    let fault = api.health_store.fault(&fingerprint).await?.ok_or(ApiError::NotFound("error"))?;
    Ok(Json(fault.into()))
}
