//! What became of a person.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use ostiary_common::ids::PersonId;
use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::domain::access::may::PersonsRead;
use crate::domain::audit::chain::ChainedLine;
use crate::domain::audit::{AuditFilter, AuditPosition, AuditResult};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, ValidQuery};
use crate::http::paging;
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::person_changes::view::PersonChangeView;

/// Name of the list in cursors.
const LIST: &str = "person history";
/// Merges and splits told at most.
const MOST_CHANGES: u32 = 100;

/// Which page.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Lines of a page, 1 to 500.
    #[garde(range(min = 1, max = paging::MAX_LIMIT))]
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next` of another page.
    #[garde(length(max = 300))]
    #[param(max_length = 300)]
    cursor: Option<String>,
}

/// What became of a person.
#[derive(Serialize, ToSchema)]
pub struct PersonHistory {
    /// What was done, the newest first.
    items: Vec<HistoryLine>,
    /// Merges and splits, the newest first; they tell until when they can be undone.
    changes: Vec<PersonChangeView>,
    /// Pass it as `cursor` for the next page; absent on the last.
    next: Option<String>,
}

/// Something that was done.
#[derive(Serialize, ToSchema)]
struct HistoryLine {
    /// When.
    at: String,
    /// Who: `user:<id>`, `service:<id>`, `server`, `cli`.
    actor: String,
    /// What, as in the audit log: `person.create`, `person.enroll`, `person.merge` and so on.
    action: String,
    /// More of it, in words or ids.
    detail: String,
    /// What was there then, if the line tells it.
    became: Option<Value>,
}

/// What was done to a person, the newest first, as the audit log has it; names and pictures do not stand in it.
#[utoipa::path(get, path = "/api/v1/persons/{id}/history", operation_id = "persons_history", tag = "persons",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The person"), Wanted),
    responses(
        (status = 200, description = "What was done", body = PersonHistory),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.persons.history", skip_all, fields(person.id = %id))]
pub async fn history(
    State(api): State<Api>,
    may: May<PersonsRead>,
    InPath(id): InPath<PersonId>,
    ValidQuery(wanted): ValidQuery<Wanted>,
) -> Result<Json<PersonHistory>, ApiError> {
    may.person(id).await?;
    let limit = paging::limit(wanted.limit)?;
    let target = format!("person:{id}");
    let before = match &wanted.cursor {
        Some(cursor) => Some(position(api.cursors.open(LIST, &target, cursor)?)),
        None => None,
    };
    let filter = AuditFilter { target: Some(target.clone()), result: Some(AuditResult::Ok), ..AuditFilter::default() };
    // One more than asked for tells whether there is another page.
    let mut lines = api.store.audit_lines(&filter, before, limit + 1).await?;
    let more = lines.len() > limit as usize;
    lines.truncate(limit as usize);
    let place = |line: &ChainedLine| [line.entry.at.0, line.point.seq.cast_signed()];
    let next = lines.last().filter(|_| more).map(|last| api.cursors.seal(LIST, &target, place(last)));
    let changes = api.store.mendings_of(id, MOST_CHANGES).await?;
    let changes = changes.into_iter().map(|change| PersonChangeView::new(change, api.now())).collect();
    Ok(Json(PersonHistory { items: lines.into_iter().map(HistoryLine::from).collect(), changes, next }))
}

fn position([at, seq]: [i64; 2]) -> AuditPosition {
    AuditPosition { at: UnixMillis(at), seq: seq.cast_unsigned() }
}

impl From<ChainedLine> for HistoryLine {
    fn from(line: ChainedLine) -> Self {
        let became = line.trace.became.as_deref().and_then(|json| serde_json::from_str(json).ok());
        let entry = line.entry;
        Self { at: entry.at.to_rfc3339(), actor: entry.actor, action: entry.action, detail: entry.detail, became }
    }
}
