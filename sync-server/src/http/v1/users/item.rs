//! One account.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use ostiary_common::ids::UserId;

use super::grants::{managed, seen};
use super::view::UserView;
use crate::domain::access::may::{UsersManage, UsersRead};
use crate::domain::account::Kind;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::etag::etag;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// One account.
#[utoipa::path(get, path = "/api/v1/users/{id}", operation_id = "users_read", tag = "accounts",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The account")), responses(
        (status = 200, description = "The account", body = UserView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.users.read", skip_all)]
pub async fn read(
    State(api): State<Api>,
    may: May<UsersRead>,
    InPath(id): InPath<UserId>,
) -> Result<impl IntoResponse, ApiError> {
    let (account, held) = seen(&api, &may.reach, id, Kind::Person).await?;
    Ok((etag(account.version), axum::Json(UserView::new(&account, &may.reach, &held))))
}

/// Remove an account for good, with its sessions and its key.
#[utoipa::path(delete, path = "/api/v1/users/{id}", operation_id = "users_delete", tag = "accounts",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The account")), responses(
        (status = 204, description = "Removed"),
        (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: the last owner", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.users.delete", skip_all)]
pub async fn delete(
    State(api): State<Api>,
    may: May<UsersManage>,
    InPath(id): InPath<UserId>,
) -> Result<StatusCode, ApiError> {
    managed(&api, &may, id, Kind::Person).await?;
    if !api.accounts.book.remove_account(id).await? {
        return Err(ApiError::NotFound("account"));
    }
    api.accounts.changed();
    api.audit_done(&may.caller, "account.delete", format!("user:{id}"), String::new()).await?;
    Ok(StatusCode::NO_CONTENT)
}
