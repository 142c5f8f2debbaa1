//! One service.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use garde::Validate;
use ostiary_common::ids::UserId;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::access::may::KeysManage;
use crate::domain::account::Kind;
use crate::domain::account::giving::MAX_GRANTS;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::etag::{IfMatch, etag};
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::users::grants::{managed, replace, seen};
use crate::http::v1::users::view::{GrantView, UserView};

/// All a service may.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ServiceGrants {
    /// At most 100; none: it may nothing.
    #[garde(length(max = MAX_GRANTS), dive)]
    grants: Vec<GrantView>,
}

/// One service.
#[utoipa::path(get, path = "/api/v1/service-accounts/{id}", operation_id = "service_accounts_read", tag = "accounts",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The service")), responses(
        (status = 200, description = "The service", body = UserView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.service_accounts.read", skip_all)]
pub async fn read(
    State(api): State<Api>,
    may: May<KeysManage>,
    InPath(id): InPath<UserId>,
) -> Result<impl IntoResponse, ApiError> {
    let (account, held) = seen(&api, &may.reach, id, Kind::Service).await?;
    Ok((etag(account.version), axum::Json(UserView::new(&account, &may.reach, &held))))
}

/// Set all a service may. It takes effect with its next request.
#[utoipa::path(put, path = "/api/v1/service-accounts/{id}/grants", operation_id = "service_accounts_set_grants",
    tag = "accounts", security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The service")),
    request_body = ServiceGrants, responses(
        (status = 200, description = "Set", body = UserView),
        (status = 403, description = "`not-allowed`: not yours to give", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "`outdated`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.service_accounts.grants", skip_all)]
pub async fn set_grants(
    State(api): State<Api>,
    may: May<KeysManage>,
    InPath(id): InPath<UserId>,
    IfMatch(expected): IfMatch,
    Valid(body): Valid<ServiceGrants>,
) -> Result<impl IntoResponse, ApiError> {
    replace(&api, &may, id, Kind::Service, expected, &body.grants).await
}

/// Remove a service for good; its keys are void.
#[utoipa::path(delete, path = "/api/v1/service-accounts/{id}", operation_id = "service_accounts_delete",
    tag = "accounts", security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The service")),
    responses(
        (status = 204, description = "Removed"),
        (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.service_accounts.delete", skip_all)]
pub async fn delete(
    State(api): State<Api>,
    may: May<KeysManage>,
    InPath(id): InPath<UserId>,
) -> Result<StatusCode, ApiError> {
    managed(&api, &may, id, Kind::Service).await?;
    if !api.accounts.book.remove_account(id).await? {
        return Err(ApiError::NotFound("account"));
    }
    api.accounts.changed();
    api.audit_done(&may.caller, "service.delete", format!("service:{id}"), String::new()).await?;
    Ok(StatusCode::NO_CONTENT)
}
