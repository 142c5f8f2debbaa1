//! Signing out, here or everywhere.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::account::session::Ended;
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::cookies;
use crate::http::problem::{ApiError, Problem};

/// Sessions ended.
#[derive(Serialize, ToSchema)]
pub struct EndedSessions {
    /// How many.
    pub ended: u64,
}

/// Sign out: this session ends, its tokens and cookies with it.
#[utoipa::path(post, path = "/api/v1/auth/logout", operation_id = "auth_logout", tag = "auth", security(("bearer" = [])),
    responses(
        (status = 204, description = "Signed out"),
        (status = 409, description = "`wrong-state`: an API key has no session", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.auth.logout", skip_all)]
pub async fn log_out(State(api): State<Api>, caller: Caller) -> Result<Response, ApiError> {
    let Some(session) = caller.via.session() else {
        return Err(ApiError::WrongState("an API key has no session to end; revoke the key instead".into()));
    };
    api.accounts.book.end_session(caller.account, session, Ended::LoggedOut, api.now()).await?;
    api.accounts.changed();
    api.audit_done(&caller, "auth.logout", format!("session:{session}"), String::new()).await?;
    Ok((StatusCode::NO_CONTENT, AppendHeaders(cookies::clear())).into_response())
}

/// Sign out everywhere: every session of this account ends, this one too.
#[utoipa::path(post, path = "/api/v1/auth/logout-everywhere", operation_id = "auth_logout_everywhere", tag = "auth",
    security(("bearer" = [])), responses((status = 200, description = "Signed out", body = EndedSessions)))]
#[tracing::instrument(name = "http.v1.auth.logout_everywhere", skip_all)]
pub async fn log_out_everywhere(State(api): State<Api>, caller: Caller) -> Result<Response, ApiError> {
    let ended = api.accounts.book.end_sessions(caller.account, None, Ended::ByOwner, api.now()).await?;
    api.accounts.changed();
    api.audit_done(&caller, "auth.logout_everywhere", caller.actor(), format!("{ended} sessions")).await?;
    Ok((AppendHeaders(cookies::clear()), axum::Json(EndedSessions { ended })).into_response())
}
