//! How each part is, since when, and what to do.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::access::may::HealthRead;
use crate::health::{PartReport, Weight, worst};
use crate::http::api::Api;
use crate::http::auth::Throughout;
use crate::http::problem::{ApiError, Problem};

/// How the server is.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// The worst of its parts: `ok`, `degraded` or `failed`.
    #[schema(value_type = String)]
    status: &'static str,
    /// The program's version.
    #[schema(value_type = String)]
    version: &'static str,
    /// Now, by the server's clock.
    now: String,
    /// Part by part.
    parts: Vec<PartHealth>,
}

/// How one part is.
#[derive(Serialize, ToSchema)]
pub struct PartHealth {
    /// `store`, `broker`, `link`, `model`, `disk`, `clock`, `certificates`, `jobs`, `fleet`, `refusals`,
    /// `errors`, `gallery`.
    #[schema(value_type = String)]
    part: &'static str,
    /// `ok`, `degraded` or `failed`.
    #[schema(value_type = String)]
    status: &'static str,
    /// Whether the server is of no use without it.
    essential: bool,
    /// Why it is not ok.
    #[serde(skip_serializing_if = "String::is_empty")]
    cause: String,
    /// What to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    advice: String,
    /// Since when it has this status.
    since: String,
    /// When it was looked at.
    checked_at: String,
}

impl From<PartReport> for PartHealth {
    fn from(report: PartReport) -> Self {
        Self {
            part: report.part,
            status: report.finding.level.as_str(),
            essential: report.weight == Weight::Essential,
            cause: report.finding.cause,
            advice: report.finding.advice,
            since: report.since.to_rfc3339(),
            checked_at: report.checked_at.to_rfc3339(),
        }
    }
}

/// How the server is, part by part; answered within seconds even if a part hangs.
#[utoipa::path(get, path = "/api/v1/health", operation_id = "health_read", tag = "health", security(("bearer" = [])),
    responses(
        (status = 200, description = "How it is, well or not", body = Health),
        (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn read(State(api): State<Api>, _may: Throughout<HealthRead>) -> Result<Json<Health>, ApiError> {
    let reports = api.health.report().await;
    let (status, version) = (worst(&reports).as_str(), env!("CARGO_PKG_VERSION"));
    let (now, parts) = (api.now().to_rfc3339(), reports.into_iter().map(PartHealth::from).collect());
    Ok(Json(Health { status, version, now, parts }))
}
