//! The audit log, the newest first.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::audit::AuditRow;
use crate::http::api::Api;
use crate::http::auth::Admin;
use crate::http::extract::Queried;
use crate::http::paging;
use crate::http::problem::{ApiError, Problem};

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Lines of a page, 1 to 500.
    limit: Option<u32>,
    /// `next` of the page before.
    before: Option<i64>,
}

/// Who did what, on what, from where, with what result.
#[derive(Serialize, ToSchema)]
pub struct AuditLine {
    /// Position, rising.
    id: i64,
    /// When.
    at: String,
    /// `user:<id>`, `device:<id>`, `cli` or `anonymous`.
    actor: String,
    /// Dotted, for example `person.create`.
    action: String,
    /// `person:<id>`, a topic, a path, or empty.
    target: String,
    /// An address, or empty.
    source: String,
    /// `ok` or `refused`.
    #[schema(value_type = String)]
    result: &'static str,
    /// More, in words.
    detail: String,
}

impl From<AuditRow> for AuditLine {
    fn from(row: AuditRow) -> Self {
        let entry = row.entry;
        Self {
            id: row.id,
            at: entry.at.to_rfc3339(),
            actor: entry.actor,
            action: entry.action,
            target: entry.target,
            source: entry.source,
            result: entry.result.as_str(),
            detail: entry.detail,
        }
    }
}

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
pub struct AuditLines {
    /// The lines.
    items: Vec<AuditLine>,
    /// Pass it as `before` for the next page; absent on the last.
    next: Option<i64>,
}

/// The audit log, the newest first.
#[utoipa::path(get, path = "/api/v1/audit", operation_id = "audit_list", tag = "audit", security(("bearer" = [])), params(Page),
    responses(
        (status = 200, description = "The lines", body = AuditLines),
        (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn list(
    State(api): State<Api>,
    _admin: Admin,
    Queried(page): Queried<Page>,
) -> Result<Json<AuditLines>, ApiError> {
    let limit = paging::limit(page.limit)?;
    let rows = api.store.audit_rows(page.before, limit).await?;
    let next = rows.last().filter(|_| rows.len() == limit as usize).map(|row| row.id);
    Ok(Json(AuditLines { items: rows.into_iter().map(AuditLine::from).collect(), next }))
}
