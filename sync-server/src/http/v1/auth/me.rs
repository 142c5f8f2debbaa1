//! Who am I?

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::auth::Caller;

/// The account signed in.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// Id.
    id: Uuid,
    /// Login name.
    login: String,
    /// `admin` or `operator`.
    #[schema(value_type = String)]
    role: &'static str,
    /// When the token ends.
    token_expires_at: String,
}

/// The account signed in.
#[utoipa::path(get, path = "/api/v1/me", operation_id = "auth_me", tag = "auth", security(("bearer" = [])),
    responses((status = 200, description = "The account", body = Me)))]
pub async fn me(caller: Caller) -> Json<Me> {
    let token_expires_at = caller.until.to_rfc3339();
    let user = caller.user;
    Json(Me { id: user.id.0, login: user.login, role: user.role.as_str(), token_expires_at })
}
