//! The audit log, the newest first.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::line::AuditLine;
use crate::domain::access::may::AuditRead;
use crate::domain::audit::{AuditFilter, AuditPosition, AuditResult};
use crate::http::api::Api;
use crate::http::auth::Throughout;
use crate::http::extract::ValidQuery;
use crate::http::paging;
use crate::http::problem::{ApiError, Problem};
use crate::http::rules::{self, Rfc3339};

/// Name of the list in cursors.
const LIST: &str = "audit";
/// Actions asked for at once.
const MOST_ACTIONS: usize = 20;

/// Which lines.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Lines of a page, 1 to 500.
    #[garde(range(min = 1, max = paging::MAX_LIMIT))]
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next` of the page before, with the same filters.
    #[garde(length(max = 300))]
    cursor: Option<String>,
    /// Of this actor, as lines name it.
    #[garde(length(chars, max = 200), inner(custom(rules::plain)))]
    actor: Option<String>,
    /// Of this action, or of one of several with commas between, at most 20.
    #[garde(length(chars, max = 1000), inner(custom(rules::plain)))]
    action: Option<String>,
    /// On this target, as lines name it.
    #[garde(length(chars, max = 300), inner(custom(rules::plain)))]
    target: Option<String>,
    /// `ok` or `refused`.
    #[garde(custom(rules::one_of(&["ok", "refused"])))]
    result: Option<String>,
    /// From this time on, RFC 3339.
    #[garde(skip)]
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Rfc3339>,
    /// Before this time, RFC 3339.
    #[garde(skip)]
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Rfc3339>,
}

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
pub struct AuditLines {
    /// The lines.
    items: Vec<AuditLine>,
    /// Pass it as `cursor` for the next page; absent on the last.
    next: Option<String>,
}

/// The audit log, the newest first.
#[utoipa::path(get, path = "/api/v1/audit", operation_id = "audit_list", tag = "audit", security(("bearer" = [])),
    params(Wanted),
    responses(
        (status = 200, description = "The lines", body = AuditLines),
        (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn list(
    State(api): State<Api>,
    _may: Throughout<AuditRead>,
    ValidQuery(wanted): ValidQuery<Wanted>,
) -> Result<Json<AuditLines>, ApiError> {
    let limit = paging::limit(wanted.limit)?;
    let filter = filter(&wanted)?;
    let about = format!("{filter:?}");
    let before = match &wanted.cursor {
        Some(cursor) => Some(position(api.cursors.open(LIST, &about, cursor)?)),
        None => None,
    };
    let mut lines = api.store.audit_lines(&filter, before, limit + 1).await?;
    let more = lines.len() > limit as usize;
    lines.truncate(limit as usize);
    let next = lines.last().filter(|_| more).map(|line| {
        let seq = i64::try_from(line.point.seq).unwrap_or(i64::MAX);
        api.cursors.seal(LIST, &about, [line.entry.at.0, seq])
    });
    Ok(Json(AuditLines { items: lines.into_iter().map(AuditLine::from).collect(), next }))
}

fn position([at, seq]: [i64; 2]) -> AuditPosition {
    AuditPosition { at: UnixMillis(at), seq: u64::try_from(seq).unwrap_or(0) }
}

fn filter(wanted: &Wanted) -> Result<AuditFilter, ApiError> {
    let actions: Vec<String> =
        wanted.action.iter().flat_map(|list| list.split(',')).map(|action| action.trim().to_owned()).collect();
    if actions.len() > MOST_ACTIONS {
        let detail = format!("at most {MOST_ACTIONS} actions, not {}", actions.len());
        return Err(ApiError::InvalidQuery { name: "action", detail });
    }
    Ok(AuditFilter {
        actor: wanted.actor.clone(),
        actions,
        target: wanted.target.clone(),
        result: wanted.result.as_deref().and_then(AuditResult::parse),
        from: wanted.from.map(|at| at.0),
        until: wanted.until.map(|at| at.0),
    })
}
