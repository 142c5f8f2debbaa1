//! Letting accounts in and shutting them out.

use axum::extract::State;
use axum::response::IntoResponse;
use garde::Validate;
use ostiary_common::ids::UserId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::grants::{given, managed, placed, words};
use super::view::{GrantView, UserView};
use crate::domain::access::Access;
use crate::domain::access::may::UsersManage;
use crate::domain::account::giving::MAX_GRANTS;
use crate::domain::account::{Account, Kind, State as AccountState};
use crate::domain::recognition::Change;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::etag::{IfMatch, etag};
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};

/// What an approved account may.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// At most 100.
    #[garde(length(max = MAX_GRANTS), dive)]
    grants: Vec<GrantView>,
}

async fn put(
    api: &Api,
    may: &May<UsersManage>,
    account: Account,
    state: AccountState,
    expected: Option<u64>,
) -> Result<Account, ApiError> {
    let change = Change { expected, now: api.now() };
    let version = api.accounts.book.put_state(account.id, state, change).await?;
    api.accounts.changed();
    let version = version.ok_or(ApiError::NotFound("account"))?;
    let detail = format!("from {} to {}", account.state.as_str(), state.as_str());
    api.audit_done(&may.caller, "account.state", format!("user:{}", account.id), detail).await?;
    Ok(Account { state, version, ..account })
}

async fn answer(api: &Api, may: &May<UsersManage>, account: &Account) -> Result<impl IntoResponse + use<>, ApiError> {
    let held = placed(api, account.access.grants()).await?;
    Ok((etag(account.version), axum::Json(UserView::new(account, &may.reach, &held))))
}

/// Approve somebody who registered, and say what he may.
#[utoipa::path(post, path = "/api/v1/users/{id}/approve", operation_id = "users_approve", tag = "accounts",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The account")), request_body = Approval,
    responses(
        (status = 200, description = "Approved", body = UserView),
        (status = 403, description = "`not-allowed`: not yours to give", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: it does not wait for approval", body = Problem,
            content_type = "application/problem+json"),
        (status = 412, description = "`outdated`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.users.approve", skip_all)]
pub async fn approve(
    State(api): State<Api>,
    may: May<UsersManage>,
    InPath(id): InPath<UserId>,
    IfMatch(expected): IfMatch,
    Valid(body): Valid<Approval>,
) -> Result<impl IntoResponse, ApiError> {
    let account = managed(&api, &may, id, Kind::Person).await?;
    if account.state != AccountState::Pending {
        return Err(ApiError::WrongState(format!(
            "the account is {}, it waits for no approval",
            account.state.as_str()
        )));
    }
    let grants = given(&api, &may.caller.access, &body.grants).await?;
    // Grants first: one that waits for approval cannot log in, whatever it was granted. The other way round there would
    // be a moment, for good if this were cut off, at which it could log in with the grants of before.
    let change = Change { expected, now: api.now() };
    let version = api.accounts.book.put_grants(id, &grants, change).await?.ok_or(ApiError::NotFound("account"))?;
    api.audit_done(&may.caller, "account.grants", format!("user:{id}"), format!("to {}", words(&grants))).await?;
    let account = Account { access: Access::new(grants), ..account };
    let account = put(&api, &may, account, AccountState::Active, Some(version)).await?;
    answer(&api, &may, &account).await
}

/// Shut an account out: its sessions end at once, and nobody logs in with it.
#[utoipa::path(post, path = "/api/v1/users/{id}/shut-out", operation_id = "users_shut_out", tag = "accounts",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The account")), responses(
        (status = 200, description = "Shut out", body = UserView),
        (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: the last owner", body = Problem,
            content_type = "application/problem+json"),
        (status = 412, description = "`outdated`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.users.shut_out", skip_all)]
pub async fn shut_out(
    State(api): State<Api>,
    may: May<UsersManage>,
    InPath(id): InPath<UserId>,
    IfMatch(expected): IfMatch,
) -> Result<impl IntoResponse, ApiError> {
    let account = managed(&api, &may, id, Kind::Person).await?;
    let account = put(&api, &may, account, AccountState::ShutOut, expected).await?;
    answer(&api, &may, &account).await
}

/// Let an account in again that was shut out.
#[utoipa::path(post, path = "/api/v1/users/{id}/let-in", operation_id = "users_let_in", tag = "accounts",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The account")), responses(
        (status = 200, description = "Let in", body = UserView),
        (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: it was not shut out", body = Problem,
            content_type = "application/problem+json"),
        (status = 412, description = "`outdated`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.users.let_in", skip_all)]
pub async fn let_in(
    State(api): State<Api>,
    may: May<UsersManage>,
    InPath(id): InPath<UserId>,
    IfMatch(expected): IfMatch,
) -> Result<impl IntoResponse, ApiError> {
    let account = managed(&api, &may, id, Kind::Person).await?;
    if account.state != AccountState::ShutOut {
        return Err(ApiError::WrongState(format!("the account is {}, not shut out", account.state.as_str())));
    }
    let account = put(&api, &may, account, AccountState::Active, expected).await?;
    answer(&api, &may, &account).await
}
