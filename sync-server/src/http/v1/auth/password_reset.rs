//! A new password by link.

use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Guest, not_made};
use crate::domain::account::Kind;
use crate::http::api::Api;
use crate::http::auth::actor;
use crate::http::extract::{ClientAddress, Valid};
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::identity::password::Password;

/// The longest login name or address looked up.
const MAX_CHARS: usize = 254;

/// Whose password.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Forgotten {
    /// Login name or e-mail address.
    #[garde(length(max = rules::MOST_SECRET_BYTES))]
    login: String,
}

/// The wish was received.
#[derive(Serialize, ToSchema)]
pub struct Received {
    /// What happens next.
    #[schema(value_type = String)]
    next: &'static str,
}

/// A link's secret and the password chosen.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// What stands behind the `#` of the link.
    #[garde(length(max = rules::MOST_SECRET_BYTES))]
    token: String,
    /// 15 to 256 characters, 8 where a second factor is asked for.
    #[garde(length(max = rules::MOST_SECRET_BYTES))]
    #[schema(format = Password)]
    password: String,
}

/// Ask for a link for a new password. The answer is the same, and as fast, whether there is such an account or not.
#[utoipa::path(post, path = "/api/v1/auth/password-reset", operation_id = "auth_password_reset", tag = "auth",
    request_body = Forgotten, responses(
        (status = 202, description = "Received", body = Received),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.auth.password_reset", skip_all)]
pub async fn ask(
    State(api): State<Api>,
    guest: Guest,
    Valid(body): Valid<Forgotten>,
) -> Result<(StatusCode, axum::Json<Received>), ApiError> {
    api.limits.login(guest.address).await?;
    let next = match api.accounts.post.is_there() {
        true => "if there is such an account and it has an address, a message with a link is under way",
        false => "this server sends no mail: ask an admin for a link",
    };
    if body.login.chars().count() <= MAX_CHARS {
        tokio::spawn(send(api, guest.address, body.login));
    }
    Ok((StatusCode::ACCEPTED, axum::Json(Received { next })))
}

async fn send(api: Api, address: ClientAddress, login: String) {
    let sent = match api.accounts.send_reset_links(&login).await {
        Ok(sent) => sent,
        Err(error) => {
            tracing::error!(%error, "links for a new password could not be sent: {error}");
            return;
        }
    };
    for account in sent {
        let who = actor(Kind::Person, account);
        let done = api.audit("anonymous".into(), address, "auth.password_reset.ask", who, String::new()).await;
        if let Err(error) = done {
            tracing::error!(%error, "an audit line could not be written: {error}");
        }
    }
}

/// Choose a new password by link. Every session ends; a second factor stays asked for.
#[utoipa::path(post, path = "/api/v1/auth/password-reset/complete", operation_id = "auth_password_reset_complete",
    tag = "auth", request_body = NewPassword, responses(
        (status = 204, description = "Set; log in with it"),
        (status = 422, description = "`link-refused`, `weak-password`", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.auth.password_reset.complete", skip_all)]
pub async fn complete(
    State(api): State<Api>,
    guest: Guest,
    Valid(body): Valid<NewPassword>,
) -> Result<StatusCode, ApiError> {
    api.limits.login(guest.address).await?;
    let done = api.accounts.reset_password(&body.token, Password::new(body.password)).await;
    let account = done.map_err(not_made).inspect_err(|error| {
        api.refuse("anonymous".into(), guest.address, "auth.password_reset", "", error.to_string());
    })?;
    let who = actor(Kind::Person, account);
    api.audit(who.clone(), guest.address, "auth.password_reset", who, "every session ended".into()).await?;
    Ok(StatusCode::NO_CONTENT)
}
