//! Signing in with a password.

use axum::extract::State;
use axum::response::Response;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::signed_in::{Carried, Guest, SecondStepWanted, SignedIn, conclude};
use crate::accounts::log_in::{LogInRefused, Tried};
use crate::http::api::Api;
use crate::http::extract::Valid;
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::identity::password::{MAX_PASSWORD_CHARS, Password};

/// Name and password.
#[derive(Deserialize, ToSchema, Validate)]
pub struct Login {
    /// Login name; case does not matter.
    #[garde(length(max = rules::MOST_SECRET_BYTES))]
    #[schema(example = "admin")]
    login: String,
    /// The password.
    #[garde(length(max = rules::MOST_SECRET_BYTES))]
    #[schema(format = Password)]
    password: String,
    /// How the session is to be carried: `token` (default) or `cookie`.
    #[garde(skip)]
    #[serde(default)]
    session: Carried,
}

/// Sign in. Failures are slowed, per account and address; who has signed in from an address before is not slowed by
/// others.
#[utoipa::path(post, path = "/api/v1/auth/login", operation_id = "auth_login", tag = "auth", request_body = Login, responses(
    (status = 200, description = "Signed in", body = SignedIn),
    (status = 202, description = "A second step is wanted", body = SecondStepWanted),
    (status = 401, description = "`wrong-login`", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "`not-allowed`: the account waits for approval, or is shut out", body = Problem,
        content_type = "application/problem+json"),
    (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
))]
#[tracing::instrument(name = "http.v1.auth.login", skip_all)]
pub async fn login(State(api): State<Api>, guest: Guest, Valid(body): Valid<Login>) -> Result<Response, ApiError> {
    let (address, kind) = (guest.address, body.session.into());
    api.limits.login(address).await.inspect_err(|_| {
        api.refuse("anonymous".into(), address, "auth.login", "", "too many attempts".into());
    })?;
    let endless = body.password.chars().count() > MAX_PASSWORD_CHARS;
    let tried = if endless {
        Tried { account: None, result: Err(LogInRefused::Wrong) }
    } else {
        api.accounts.log_in(&body.login, Password::new(body.password), &guest.client, kind).await
    };
    conclude(&api, address, tried, kind, "auth.login").await
}
