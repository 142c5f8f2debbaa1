//! Helping who has lost password or second factor.

use axum::extract::State;
use axum::http::StatusCode;
use ostiary_common::ids::UserId;
use serde::Serialize;
use utoipa::ToSchema;

use super::grants::managed;
use crate::domain::access::may::UsersManage;
use crate::domain::account::Kind;
use crate::domain::account::session::Ended;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// A link to be handed on. It is shown only here.
#[derive(Serialize, ToSchema)]
pub struct ResetLinkView {
    /// The link.
    link: String,
    /// When it ends.
    expires_at: String,
}

/// Make a link by which the account's owner chooses a new password.
#[utoipa::path(post, path = "/api/v1/users/{id}/password-reset", operation_id = "users_password_reset", tag = "accounts",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The account")), responses(
        (status = 201, description = "To be handed on", body = ResetLinkView),
        (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.users.password_reset", skip_all)]
pub async fn password_reset(
    State(api): State<Api>,
    may: May<UsersManage>,
    InPath(id): InPath<UserId>,
) -> Result<(StatusCode, axum::Json<ResetLinkView>), ApiError> {
    managed(&api, &may, id, Kind::Person).await?;
    let made = api.accounts.reset_link(id).await?;
    api.audit_done(&may.caller, "account.password_reset", format!("user:{id}"), String::new()).await?;
    let view = ResetLinkView { link: made.link.to_string(), expires_at: made.expires_at.to_rfc3339() };
    Ok((StatusCode::CREATED, axum::Json(view)))
}

/// Remove the second factor of an account whose owner has lost it. Its sessions end.
#[utoipa::path(delete, path = "/api/v1/users/{id}/totp", operation_id = "users_totp_remove", tag = "accounts",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The account")), responses(
        (status = 204, description = "Removed"),
        (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: there is none", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.users.totp.remove", skip_all)]
pub async fn remove_totp(
    State(api): State<Api>,
    may: May<UsersManage>,
    InPath(id): InPath<UserId>,
) -> Result<StatusCode, ApiError> {
    managed(&api, &may, id, Kind::Person).await?;
    if !api.accounts.book.remove_second_factor(id).await? {
        return Err(ApiError::WrongState("the account has no second factor".into()));
    }
    api.accounts.book.end_sessions(id, None, Ended::ByAdmin, api.now()).await?;
    api.accounts.changed();
    api.audit_done(&may.caller, "account.totp.remove", format!("user:{id}"), "sessions ended".into()).await?;
    Ok(StatusCode::NO_CONTENT)
}
