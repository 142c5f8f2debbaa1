//! What I am called, and where I am written to.

use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{confirm, myself};
use crate::domain::account::Email;
use crate::domain::recognition::Change;
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::etag::{IfMatch, etag};
use crate::http::extract::Valid;
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::http::v1::name;

/// Name and address.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Display name, 1 to 100 characters.
    #[garde(custom(rules::name))]
    name: String,
    /// Where links for a new password are sent; left out: nowhere.
    #[garde(inner(custom(rules::email)))]
    email: Option<String>,
    /// The account's password, needed to change the address, since whoever has the address gets links.
    #[garde(length(max = rules::MOST_SECRET_BYTES))]
    #[schema(format = Password)]
    password: Option<String>,
}

/// The profile as it is now.
#[derive(Serialize, ToSchema)]
pub struct ProfileView {
    /// Display name.
    name: String,
    /// Where links are sent.
    email: Option<String>,
    /// The account's version.
    version: u64,
}

/// An address as sent, checked.
pub fn email(text: Option<&str>) -> Result<Option<Email>, ApiError> {
    let invalid =
        |e: crate::domain::account::login::InvalidEmail| ApiError::Invalid { field: "email", detail: e.to_string() };
    text.map(Email::parse).transpose().map_err(invalid)
}

/// Set my name and address.
#[utoipa::path(put, path = "/api/v1/me", operation_id = "me_set", tag = "me", security(("bearer" = [])),
    request_body = Profile, responses(
        (status = 200, description = "Set", body = ProfileView),
        (status = 409, description = "`wrong-state`: a service is named by who manages it", body = Problem,
            content_type = "application/problem+json"),
        (status = 412, description = "`outdated`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.me.set", skip_all)]
pub async fn set(
    State(api): State<Api>,
    caller: Caller,
    IfMatch(expected): IfMatch,
    Valid(body): Valid<Profile>,
) -> Result<impl axum::response::IntoResponse, ApiError> {
    let account = myself(&api, &caller).await?;
    let (name, email) = (name(&body.name)?, email(body.email.as_deref())?);
    if email != account.email {
        let missing = || ApiError::Invalid { field: "password", detail: "is needed to change the address".into() };
        confirm(&api, &caller, &account, body.password.ok_or_else(missing)?).await?;
    }
    let change = Change { expected, now: api.now() };
    let version = api.accounts.book.put_profile(account.id, &name, email.as_ref(), change).await?;
    let version = version.ok_or(ApiError::NotFound("account"))?;
    let detail = if email == account.email { "" } else { "address changed" };
    api.audit_done(&caller, "me.set", caller.actor(), detail.into()).await?;
    let view = ProfileView { name, email: email.map(|email| email.to_string()), version };
    Ok((etag(version), axum::Json(view)))
}
