//! Make a service.

use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::access::Access;
use crate::domain::access::may::KeysManage;
use crate::domain::account::giving::MAX_GRANTS;
use crate::domain::account::{Account, NewAccount};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::Valid;
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::http::v1::name;
use crate::http::v1::users::grants::{given, placed, words};
use crate::http::v1::users::view::{GrantView, UserView};

/// A service to be made.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewService {
    /// What it is, 1 to 100 characters.
    #[garde(custom(rules::name))]
    #[schema(example = "Home Assistant")]
    name: String,
    /// What it may: at most 100 grants, none beyond your own.
    #[garde(length(max = MAX_GRANTS), dive)]
    grants: Vec<GrantView>,
}

/// Make a service account. It has no password; make a key for it.
#[utoipa::path(post, path = "/api/v1/service-accounts", operation_id = "service_accounts_create", tag = "accounts",
    security(("bearer" = [])), request_body = NewService, responses(
        (status = 201, description = "Made", body = UserView),
        (status = 403, description = "`not-allowed`: not yours to give", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.service_accounts.create", skip_all)]
pub async fn create(
    State(api): State<Api>,
    may: May<KeysManage>,
    Valid(body): Valid<NewService>,
) -> Result<(StatusCode, axum::Json<UserView>), ApiError> {
    let name = name(&body.name)?;
    let grants = given(&api, &may.caller.access, &body.grants).await?;
    if grants.is_empty() && !may.reach.is_everything() {
        let detail = "at least one, or nobody but who sees everything would find the service".into();
        return Err(ApiError::Invalid { field: "grants", detail });
    }
    let detail = words(&grants);
    let made = NewAccount::service(name, grants, api.now());
    api.accounts.book.add_account(&made).await?;
    api.audit_done(&may.caller, "service.create", format!("service:{}", made.id), detail).await?;
    let held = placed(&api, &made.grants).await?;
    let account = Account {
        id: made.id,
        kind: made.kind,
        state: made.state,
        login: made.login,
        name: made.name,
        email: None,
        access: Access::new(made.grants),
        second_factor: false,
        created_at: made.created_at,
        last_login_at: None,
        version: 1,
    };
    Ok((StatusCode::CREATED, axum::Json(UserView::new(&account, &may.reach, &held))))
}
