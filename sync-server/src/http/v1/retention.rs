//! What was removed for its age, and what is due.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::access::may::{SettingsManage, SettingsRead};
use crate::domain::retention::Removed;
use crate::http::api::Api;
use crate::http::auth::Throughout;
use crate::http::extract::ValidQuery;
use crate::http::problem::ApiError;
use crate::retainer::KindReport;

/// Days looked back if nothing is said.
const DAYS: u32 = 30;
const DAY_MS: i64 = 86_400_000;

/// How far back.
#[derive(Deserialize, IntoParams, Validate)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Back {
    /// So many days, 1 to 366; 30 if nothing is said.
    #[garde(inner(range(min = 1, max = 366)))]
    #[param(minimum = 1, maximum = 366)]
    days: Option<u32>,
}

/// What of each kind is kept how long, was removed, and is due.
#[derive(Serialize, ToSchema)]
pub struct RetentionReport {
    /// Kind by kind.
    kinds: Vec<KindView>,
}

/// A kind of data.
#[derive(Serialize, ToSchema)]
pub struct KindView {
    /// `events`, `pictures`, `strangers`, `audit`, `errors`, `consents`, `conversations` (whose days
    /// are set at `/api/v1/settings/conversations`) or `commands` (kept as long as errors).
    #[schema(value_type = String)]
    kind: &'static str,
    /// How many days it is kept; none for good.
    days: Option<u32>,
    /// When the oldest there is happened.
    oldest: Option<String>,
    /// How much is older than it may be, and goes within the hour; counted up to 100000.
    due: u64,
    /// How much was removed in these days.
    removed: u64,
    /// Day by day, the newest first; days on which nothing was removed are left out.
    by_day: Vec<DayView>,
}

/// What was removed on a day.
#[derive(Serialize, ToSchema)]
pub struct DayView {
    /// The day in UTC, as in `2026-11-21`.
    day: String,
    /// How much.
    removed: u64,
}

impl From<&Removed> for DayView {
    fn from(removed: &Removed) -> Self {
        let day = UnixMillis(removed.day * DAY_MS).to_rfc3339();
        Self { day: day.chars().take(10).collect(), removed: removed.count }
    }
}

impl From<KindReport> for KindView {
    fn from(report: KindReport) -> Self {
        Self {
            kind: report.kind.as_str(),
            days: report.days,
            oldest: report.held.oldest.map(|at| at.to_rfc3339()),
            due: report.held.due,
            removed: report.removed.iter().map(|removed| removed.count).sum(),
            by_day: report.removed.iter().map(DayView::from).collect(),
        }
    }
}

/// What of each kind of data is kept how long, what was removed for its age, and what is due.
#[utoipa::path(get, path = "/api/v1/retention/report", operation_id = "retention_report", tag = "settings",
    security(("bearer" = [])), params(Back),
    responses((status = 200, description = "The report", body = RetentionReport)))]
pub async fn report(
    State(api): State<Api>,
    _may: Throughout<SettingsRead>,
    ValidQuery(back): ValidQuery<Back>,
) -> Result<Json<RetentionReport>, ApiError> {
    let kinds = api.retainer.report(back.days.unwrap_or(DAYS)).await?;
    Ok(Json(RetentionReport { kinds: kinds.into_iter().map(KindView::from).collect() }))
}

/// Remove what is older than it may be now, instead of within the hour. The report tells how much is still due.
#[utoipa::path(post, path = "/api/v1/retention/sweep", operation_id = "retention_sweep", tag = "settings",
    security(("bearer" = [])),
    responses((status = 202, description = "It begins within seconds")))]
#[tracing::instrument(name = "http.v1.retention.sweep", skip_all)]
pub async fn sweep(State(api): State<Api>, may: Throughout<SettingsManage>) -> Result<StatusCode, ApiError> {
    let note = api.note(&may.caller, "retention.sweep", "installation".into(), None, None);
    api.retainer.wish(&note).await?;
    Ok(StatusCode::ACCEPTED)
}
