//! Whether the server is there and works, for whoever asks; more is told by [`v1::health`](super::v1::health).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::api::Api;
use super::auth::Throughout;
use crate::domain::access::may::HealthRead;
use crate::domain::health::Level;
use crate::health::{PartReport, Weight};

/// Whether every part works without which the server is of no use.
#[derive(Serialize, ToSchema)]
pub struct Ready {
    /// All of them do.
    ready: bool,
    /// One by one.
    parts: Vec<PartState>,
    /// What works, but has to be looked at.
    warnings: Vec<Warning>,
}

/// Something to look at.
#[derive(Serialize, ToSchema)]
#[schema(as = ReadyWarning)]
pub struct Warning {
    /// `gallery`.
    #[schema(value_type = String)]
    part: &'static str,
    /// What, and what to do.
    detail: String,
}

/// Whether one part works.
#[derive(Serialize, ToSchema)]
pub struct PartState {
    /// `store`, `broker`, `link`, `model`.
    #[schema(value_type = String)]
    part: &'static str,
    /// It does.
    ok: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl Ready {
    fn of(reports: Vec<PartReport>) -> Self {
        let (mut parts, mut warnings) = (Vec::new(), Vec::new());
        for PartReport { part, weight, finding, .. } in reports {
            let (ok, detail) = (finding.level != Level::Failed, Some(finding.cause).filter(|cause| !cause.is_empty()));
            match (weight, detail) {
                (Weight::Essential, detail) => parts.push(PartState { part, ok, detail }),
                (Weight::Told, Some(detail)) => warnings.push(Warning { part, detail }),
                (Weight::Told, None) | (Weight::Inner, _) => {}
            }
        }
        Self { ready: parts.iter().all(|part| part.ok), parts, warnings }
    }
}

/// The process is there.
#[utoipa::path(get, path = "/healthz", operation_id = "healthz", tag = "health", responses((status = 200, description = "There", body = String)))]
pub async fn healthz() -> &'static str {
    "ok"
}

/// Every part works without which the server is of no use, and it is not stopping.
#[utoipa::path(get, path = "/readyz", operation_id = "readyz", tag = "health", responses(
    (status = 200, description = "Every part works", body = Ready),
    (status = 503, description = "A part does not, or the server is stopping", body = Ready)
))]
pub async fn readyz(State(api): State<Api>) -> Response {
    let mut ready = Ready::of(api.health.report().await);
    if api.shutdown.is_cancelled() {
        ready.ready = false;
    }
    let status = if ready.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(ready)).into_response()
}

/// Figures for Prometheus, which sends a token or key of an account with `health.read` over everything.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "health", security(("bearer" = [])),
    responses((status = 200, description = "Prometheus text format", body = String)))]
pub async fn metrics(State(api): State<Api>, _may: Throughout<HealthRead>) -> impl IntoResponse {
    ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], api.metrics.render())
}
