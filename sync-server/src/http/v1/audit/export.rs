//! The whole audit log, to be kept elsewhere.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::json;

use super::line::AuditLine;
use crate::domain::access::may::AuditRead;
use crate::domain::audit::chain::ChainPoint;
use crate::http::api::Api;
use crate::http::auth::Throughout;
use crate::http::problem::{ApiError, Problem};
use crate::identity::audit_seal::{AuditSeal, SealKind};
use crate::ports::StoreError;

/// Lines read from the store at once.
const PAGE: u32 = 500;

/// The whole audit log in the order of its chain: a JSON object a line, and last `{"signed_head": …}`, the number and
/// hash of the last line signed by the server (a JWS to be checked with `/.well-known/jwks.json`).
#[utoipa::path(get, path = "/api/v1/audit/export", operation_id = "audit_export", tag = "audit",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The lines", body = String, content_type = "application/x-ndjson"),
        (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.audit.export", skip_all)]
pub async fn export(State(api): State<Api>, may: Throughout<AuditRead>) -> Result<Response, ApiError> {
    api.limits.export(may.caller.account).await?;
    api.audit_done(&may.caller, "audit.export", String::new(), String::new()).await?;
    let head = api.store.audit_head().await?;
    let pages = stream::try_unfold(Some((api, head, 0)), |state| async move {
        let Some((api, head, after)) = state else { return Ok(None) };
        let (text, after) = page(&api, head, after).await?;
        let next = after.map(|after| (api, head, after));
        Ok::<_, StoreError>(Some((Bytes::from(text), next)))
    });
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(pages)).into_response())
}

/// The lines after `after`, and where to go on; after the last one, the signed head.
async fn page(api: &Api, head: ChainPoint, after: u64) -> Result<(String, Option<u64>), StoreError> {
    let lines = api.store.audit_walk(after, PAGE).await?;
    let mut text = String::new();
    let mut last = None;
    for line in lines.into_iter().filter(|line| line.point.seq <= head.seq) {
        last = Some(line.point.seq);
        text.push_str(&serde_json::to_string(&AuditLine::from(line)).expect("a line has a JSON form"));
        text.push('\n');
    }
    let goes_on = last.filter(|seq| *seq < head.seq);
    if goes_on.is_none() {
        let seal = AuditSeal::new(SealKind::Head, head, api.now()).sign(&api.tokens.keys());
        text.push_str(&json!({ "signed_head": seal }).to_string());
        text.push('\n');
    }
    Ok((text, goes_on))
}
