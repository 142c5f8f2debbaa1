//! Where I am logged in.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::account::SessionId;
use crate::domain::account::session::{Ended, Session};
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// Being logged in somewhere.
#[derive(Serialize, ToSchema)]
pub struct SessionView {
    /// Id.
    id: Uuid,
    /// `bearer` (a program or app) or `cookie` (a browser).
    #[schema(value_type = String)]
    kind: &'static str,
    /// What the client says it is.
    user_agent: String,
    /// The address it was last renewed from.
    address: String,
    /// Since when.
    created_at: String,
    /// Last renewed, or seen, within a minute.
    last_used_at: String,
    /// When it ends unless it is used.
    expires_at: String,
    /// When it ended, if it was ended.
    ended_at: Option<String>,
    /// Why it was ended: `logged_out`, `ended_by_owner`, `ended_by_admin`, `refresh_token_reused`, `password_changed`,
    /// `shut_out`.
    #[schema(value_type = Option<String>)]
    ended_by: Option<&'static str>,
    /// Whether it is the one that asks.
    current: bool,
}

impl SessionView {
    /// As `current` sees it.
    pub fn new(session: Session, current: Option<SessionId>) -> Self {
        Self {
            id: session.id.0,
            kind: session.kind.as_str(),
            user_agent: session.user_agent,
            address: session.address,
            created_at: session.created_at.to_rfc3339(),
            last_used_at: session.last_used_at.to_rfc3339(),
            expires_at: session.expires_at.to_rfc3339(),
            ended_at: session.ended.map(|(at, _)| at.to_rfc3339()),
            ended_by: session.ended.map(|(_, why)| why.as_str()),
            current: current == Some(session.id),
        }
    }
}

/// Sessions, the newest first.
#[derive(Serialize, ToSchema)]
pub struct Sessions {
    /// Going on, and lately ended.
    pub items: Vec<SessionView>,
}

/// Where I am logged in, and was lately.
#[utoipa::path(get, path = "/api/v1/me/sessions", operation_id = "me_sessions", tag = "me", security(("bearer" = [])),
    responses((status = 200, description = "The sessions", body = Sessions)))]
#[tracing::instrument(name = "http.v1.me.sessions", skip_all)]
pub async fn list(State(api): State<Api>, caller: Caller) -> Result<axum::Json<Sessions>, ApiError> {
    let sessions = api.accounts.book.sessions(caller.account).await?;
    let current = caller.via.session();
    let items = sessions.into_iter().map(|session| SessionView::new(session, current)).collect();
    Ok(axum::Json(Sessions { items }))
}

/// End one of my sessions.
#[utoipa::path(delete, path = "/api/v1/me/sessions/{id}", operation_id = "me_sessions_end", tag = "me",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The session")), responses(
        (status = 204, description = "Ended"),
        (status = 404, description = "`not-found`: none of mine, or ended already", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.me.sessions.end", skip_all)]
pub async fn end(
    State(api): State<Api>,
    caller: Caller,
    InPath(id): InPath<SessionId>,
) -> Result<StatusCode, ApiError> {
    if !api.accounts.book.end_session(caller.account, id, Ended::ByOwner, api.now()).await? {
        return Err(ApiError::NotFound("session"));
    }
    api.accounts.changed();
    api.audit_done(&caller, "me.sessions.end", format!("session:{id}"), String::new()).await?;
    Ok(StatusCode::NO_CONTENT)
}
