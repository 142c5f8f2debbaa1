//! Keys of a service.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use ostiary_common::ids::UserId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::access::Permission;
use crate::domain::access::may::KeysManage;
use crate::domain::account::service_key::ApiKey;
use crate::domain::account::{ApiKeyId, Kind};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::http::v1::name;
use crate::http::v1::users::grants::{managed, seen};

/// A key to be made.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What it is for, 1 to 100 characters.
    #[garde(custom(rules::name))]
    name: String,
    /// How many days it is good for: 1 to what the installation allows.
    #[garde(range(min = 1))]
    days: u32,
    /// All it may of what its service may, as in `/api/v1/roles`; left out: everything.
    #[garde(length(max = Permission::ALL.len()), inner(inner(length(max = 60))))]
    permissions: Option<Vec<String>>,
}

/// A key that was made. It is shown only here.
#[derive(Serialize, ToSchema)]
pub struct KeyMade {
    /// Id.
    id: Uuid,
    /// The key: send it as `Authorization: Bearer ost_…`.
    key: String,
    /// When it ends.
    expires_at: String,
}

/// A key.
#[derive(Serialize, ToSchema)]
pub struct KeyView {
    /// Id.
    id: Uuid,
    /// What it is for.
    name: String,
    /// The last characters of its random part.
    hint: String,
    /// All it may of what its service may; absent: everything.
    #[schema(value_type = Option<Vec<String>>)]
    permissions: Option<Vec<&'static str>>,
    /// When it was made.
    created_at: String,
    /// When it ends.
    expires_at: String,
    /// When it was last used, within a minute.
    last_used_at: Option<String>,
    /// From where it was last used.
    last_used_from: Option<String>,
    /// When it was revoked.
    revoked_at: Option<String>,
}

/// Keys, the newest first.
#[derive(Serialize, ToSchema)]
pub struct Keys {
    /// The keys.
    items: Vec<KeyView>,
}

impl From<ApiKey> for KeyView {
    fn from(key: ApiKey) -> Self {
        let words = |permissions: Vec<Permission>| permissions.into_iter().map(Permission::as_str).collect();
        Self {
            id: key.id.0,
            name: key.name,
            hint: key.hint,
            permissions: key.permissions.map(words),
            created_at: key.created_at.to_rfc3339(),
            expires_at: key.expires_at.to_rfc3339(),
            last_used_at: key.last_used.as_ref().map(|(at, _)| at.to_rfc3339()),
            last_used_from: key.last_used.map(|(_, from)| from),
            revoked_at: key.revoked_at.map(|at| at.to_rfc3339()),
        }
    }
}

/// The keys of a service.
#[utoipa::path(get, path = "/api/v1/service-accounts/{id}/keys", operation_id = "service_accounts_keys",
    tag = "accounts", security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The service")),
    responses(
        (status = 200, description = "The keys", body = Keys),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.service_accounts.keys", skip_all)]
pub async fn list(
    State(api): State<Api>,
    may: May<KeysManage>,
    InPath(id): InPath<UserId>,
) -> Result<axum::Json<Keys>, ApiError> {
    seen(&api, &may.reach, id, Kind::Service).await?;
    let keys = api.accounts.book.api_keys(id).await?;
    Ok(axum::Json(Keys { items: keys.into_iter().map(KeyView::from).collect() }))
}

fn permissions(words: Option<Vec<String>>) -> Result<Option<Vec<Permission>>, ApiError> {
    let Some(words) = words else { return Ok(None) };
    if words.len() > Permission::ALL.len() {
        let detail = format!("there are {} permissions", Permission::ALL.len());
        return Err(ApiError::Invalid { field: "permissions", detail });
    }
    let read = |word: &String| {
        let detail = || "one of them is none; `/api/v1/roles` lists them".into();
        Permission::parse(word).ok_or_else(|| ApiError::Invalid { field: "permissions", detail: detail() })
    };
    words.iter().map(read).collect::<Result<_, _>>().map(Some)
}

/// Make a key of a service. It ends; make the next one before.
#[utoipa::path(post, path = "/api/v1/service-accounts/{id}/keys", operation_id = "service_accounts_keys_create",
    tag = "accounts", security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The service")),
    request_body = NewKey, responses(
        (status = 201, description = "Made", body = KeyMade),
        (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.service_accounts.keys.create", skip_all)]
pub async fn create(
    State(api): State<Api>,
    may: May<KeysManage>,
    InPath(id): InPath<UserId>,
    Valid(body): Valid<NewKey>,
) -> Result<(StatusCode, axum::Json<KeyMade>), ApiError> {
    let name = name(&body.name)?;
    let most = api.accounts.rules.api_key_max_days;
    if !(1..=most).contains(&body.days) {
        return Err(ApiError::Invalid { field: "days", detail: format!("must be 1 to {most}, not {}", body.days) });
    }
    let permissions = permissions(body.permissions)?;
    managed(&api, &may, id, Kind::Service).await?;
    let life = Duration::from_secs(u64::from(body.days) * 86_400);
    let made = api.accounts.make_key(id, name, permissions, life).await?;
    let detail = format!("of service:{id}, until {}", made.expires_at.to_rfc3339());
    api.audit_done(&may.caller, "service.key.create", format!("key:{}", made.id), detail).await?;
    let view = KeyMade { id: made.id.0, key: made.text.to_string(), expires_at: made.expires_at.to_rfc3339() };
    Ok((StatusCode::CREATED, axum::Json(view)))
}

/// Revoke a key at once.
#[utoipa::path(delete, path = "/api/v1/service-accounts/{id}/keys/{key}",
    operation_id = "service_accounts_keys_revoke", tag = "accounts", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The service"), ("key" = uuid::Uuid, Path, description = "The key")),
    responses(
        (status = 204, description = "Revoked"),
        (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.service_accounts.keys.revoke", skip_all)]
pub async fn revoke(
    State(api): State<Api>,
    may: May<KeysManage>,
    InPath((id, key)): InPath<(UserId, ApiKeyId)>,
) -> Result<StatusCode, ApiError> {
    managed(&api, &may, id, Kind::Service).await?;
    if !api.accounts.book.revoke_api_key(id, key, api.now()).await? {
        return Err(ApiError::NotFound("key"));
    }
    api.accounts.changed();
    api.audit_done(&may.caller, "service.key.revoke", format!("key:{key}"), format!("of service:{id}")).await?;
    Ok(StatusCode::NO_CONTENT)
}
