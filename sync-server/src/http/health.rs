//! Whether the server is there and works.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use serde::Serialize;
use utoipa::ToSchema;

use super::api::Api;
use super::auth::Throughout;
use crate::domain::access::may::HealthRead;

/// A part that does not answer within this time does not work.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3);

/// Asks one part whether it works; an error says why not.
pub type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Asks one part for something to look at although it works.
pub type Hint = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// The parts that must work.
#[derive(Clone, Default)]
pub struct Readiness {
    checks: Vec<(&'static str, Check)>,
    hints: Vec<(&'static str, Hint)>,
}

impl Readiness {
    /// Adds a part.
    #[must_use]
    pub fn with(mut self, part: &'static str, check: Check) -> Self {
        self.checks.push((part, check));
        self
    }

    /// Adds something that may have to be looked at, but does not keep the server from being ready.
    #[must_use]
    pub fn with_hint(mut self, part: &'static str, hint: Hint) -> Self {
        self.hints.push((part, hint));
        self
    }

    async fn ask(&self) -> Ready {
        let mut parts = Vec::with_capacity(self.checks.len());
        for (part, check) in &self.checks {
            let result = tokio::time::timeout(CHECK_TIMEOUT, check()).await.unwrap_or(Err("no answer".into()));
            parts.push(PartState { part, ok: result.is_ok(), detail: result.err() });
        }
        let hints = self.hints.iter().filter_map(|(part, hint)| Some(Warning { part, detail: hint()? }));
        Ready { ready: parts.iter().all(|part| part.ok), parts, warnings: hints.collect() }
    }
}

/// Whether every part works.
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

/// The process is there.
#[utoipa::path(get, path = "/healthz", operation_id = "healthz", tag = "health", responses((status = 200, description = "There", body = String)))]
pub async fn healthz() -> &'static str {
    "ok"
}

/// Every part works.
#[utoipa::path(get, path = "/readyz", operation_id = "readyz", tag = "health", responses(
    (status = 200, description = "Every part works", body = Ready),
    (status = 503, description = "A part does not", body = Ready)
))]
pub async fn readyz(State(api): State<Api>) -> Response {
    let ready = api.readiness.ask().await;
    let status = if ready.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(ready)).into_response()
}

/// Figures for Prometheus, which sends a token or key of an account with `health.read` over everything.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "health", security(("bearer" = [])),
    responses((status = 200, description = "Prometheus text format", body = String)))]
pub async fn metrics(State(api): State<Api>, _may: Throughout<HealthRead>) -> impl IntoResponse {
    ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], api.metrics.render())
}
