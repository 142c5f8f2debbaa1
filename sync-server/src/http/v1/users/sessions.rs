//! Where others are logged in.

use axum::extract::State;
use axum::http::StatusCode;
use ostiary_common::ids::UserId;

use super::grants::{managed, seen};
use crate::domain::access::may::{UsersManage, UsersRead};
use crate::domain::account::session::Ended;
use crate::domain::account::{Kind, SessionId};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::auth::log_out::EndedSessions;
use crate::http::v1::me::sessions::{SessionView, Sessions};

/// Where an account is logged in, and was lately.
#[utoipa::path(get, path = "/api/v1/users/{id}/sessions", operation_id = "users_sessions", tag = "accounts",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The account")), responses(
        (status = 200, description = "The sessions", body = Sessions),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.users.sessions", skip_all)]
pub async fn list(
    State(api): State<Api>,
    may: May<UsersRead>,
    InPath(id): InPath<UserId>,
) -> Result<axum::Json<Sessions>, ApiError> {
    seen(&api, &may.reach, id, Kind::Person).await?;
    let current = may.caller.via.session();
    let sessions = api.accounts.book.sessions(id).await?;
    let items = sessions.into_iter().map(|session| SessionView::new(session, current)).collect();
    Ok(axum::Json(Sessions { items }))
}

/// End every session of an account.
#[utoipa::path(delete, path = "/api/v1/users/{id}/sessions", operation_id = "users_sessions_end_all", tag = "accounts",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The account")), responses(
        (status = 200, description = "Ended", body = EndedSessions),
        (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.users.sessions.end_all", skip_all)]
pub async fn end_all(
    State(api): State<Api>,
    may: May<UsersManage>,
    InPath(id): InPath<UserId>,
) -> Result<axum::Json<EndedSessions>, ApiError> {
    managed(&api, &may, id, Kind::Person).await?;
    let ended = api.accounts.book.end_sessions(id, None, Ended::ByAdmin, api.now()).await?;
    api.accounts.changed();
    api.audit_done(&may.caller, "account.sessions.end", format!("user:{id}"), format!("{ended} sessions")).await?;
    Ok(axum::Json(EndedSessions { ended }))
}

/// End one session of an account.
#[utoipa::path(delete, path = "/api/v1/users/{id}/sessions/{session}", operation_id = "users_sessions_end",
    tag = "accounts", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The account"),
        ("session" = uuid::Uuid, Path, description = "The session")),
    responses(
        (status = 204, description = "Ended"),
        (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.users.sessions.end", skip_all)]
pub async fn end(
    State(api): State<Api>,
    may: May<UsersManage>,
    InPath((id, session)): InPath<(UserId, SessionId)>,
) -> Result<StatusCode, ApiError> {
    managed(&api, &may, id, Kind::Person).await?;
    if !api.accounts.book.end_session(id, session, Ended::ByAdmin, api.now()).await? {
        return Err(ApiError::NotFound("session"));
    }
    api.accounts.changed();
    api.audit_done(&may.caller, "account.sessions.end", format!("session:{session}"), format!("of user:{id}")).await?;
    Ok(StatusCode::NO_CONTENT)
}
