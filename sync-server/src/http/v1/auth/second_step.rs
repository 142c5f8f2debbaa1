//! The second step of signing in.

use axum::extract::State;
use axum::response::Response;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::signed_in::{Carried, Guest, SignedIn, conclude};
use crate::accounts::totp::Proof;
use crate::http::api::Api;
use crate::http::extract::Valid;
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;

/// A code of the app, or a recovery code.
#[derive(Deserialize, ToSchema, Validate)]
pub struct SecondStep {
    /// As the first step answered.
    #[garde(length(max = rules::MOST_SECRET_BYTES))]
    challenge: String,
    /// Six digits of the app.
    #[garde(length(max = 100))]
    #[schema(example = "287082")]
    code: Option<String>,
    /// One of the recovery codes, if the app is lost.
    #[garde(length(max = 100))]
    recovery_code: Option<String>,
    /// How the session is to be carried: `token` (default) or `cookie`.
    #[garde(skip)]
    #[serde(default)]
    session: Carried,
}

/// Sign in: the second step.
#[utoipa::path(post, path = "/api/v1/auth/second-step", operation_id = "auth_second_step", tag = "auth",
    request_body = SecondStep, responses(
    (status = 200, description = "Signed in", body = SignedIn),
    (status = 401, description = "`wrong-login`, or `not-signed-in`: begin again", body = Problem,
        content_type = "application/problem+json"),
    (status = 403, description = "`not-allowed`: the account may not be used", body = Problem,
        content_type = "application/problem+json"),
    (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
))]
#[tracing::instrument(name = "http.v1.auth.second_step", skip_all)]
pub async fn second_step(
    State(api): State<Api>,
    guest: Guest,
    Valid(body): Valid<SecondStep>,
) -> Result<Response, ApiError> {
    api.limits.login(guest.address).await?;
    let proof = match (body.code, body.recovery_code) {
        (Some(code), None) => Proof::Code(Zeroizing::new(code)),
        (None, Some(code)) => Proof::Recovery(Zeroizing::new(code)),
        _ => {
            let detail = "send either `code` or `recovery_code`".into();
            return Err(ApiError::Invalid { field: "code", detail });
        }
    };
    let kind = body.session.into();
    let tried = api.accounts.second_step(&body.challenge, &proof, &guest.client, kind).await;
    conclude(&api, guest.address, tried, kind, "auth.second_step").await
}
