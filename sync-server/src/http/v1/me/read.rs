//! Who am I, and what may I?

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::access::Permission;
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::problem::ApiError;
use crate::http::v1::users::view::GrantView;

/// The account signed in.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// Id.
    id: Uuid,
    /// `person` or `service`.
    #[schema(value_type = String)]
    kind: &'static str,
    /// Login name.
    login: String,
    /// Display name.
    name: String,
    /// Where links are sent.
    email: Option<String>,
    /// What it may, and where.
    grants: Vec<GrantView>,
    /// The permissions it has anywhere.
    #[schema(value_type = Vec<String>)]
    permissions: Vec<&'static str>,
    /// Whether a second factor is asked for.
    second_factor: bool,
    /// The session, unless it is an API key that asks.
    session: Option<Uuid>,
    /// When the token, session or key ends.
    token_expires_at: String,
    /// Rises with every change.
    version: u64,
}

/// The account signed in.
#[utoipa::path(get, path = "/api/v1/me", operation_id = "me_read", tag = "me", security(("bearer" = [])),
    responses((status = 200, description = "The account", body = Me)))]
#[tracing::instrument(name = "http.v1.me.read", skip_all)]
pub async fn read(State(api): State<Api>, caller: Caller) -> Result<Json<Me>, ApiError> {
    let account = api.accounts.book.account(caller.account).await?.ok_or(ApiError::NotFound("account"))?;
    let has = |permission: &&Permission| !caller.access.reach(**permission).is_nothing();
    Ok(Json(Me {
        id: account.id.0,
        kind: account.kind.as_str(),
        login: account.login.to_string(),
        name: account.name,
        email: account.email.map(|email| email.to_string()),
        grants: account.access.grants().iter().map(GrantView::from).collect(),
        permissions: Permission::ALL.iter().filter(has).map(|permission| permission.as_str()).collect(),
        second_factor: account.second_factor,
        session: caller.via.session().map(|session| session.0),
        token_expires_at: caller.until.to_rfc3339(),
        version: account.version,
    }))
}
