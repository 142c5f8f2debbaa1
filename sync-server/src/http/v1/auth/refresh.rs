//! The next access token of a session.

use axum::extract::State;
use axum::response::Response;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::signed_in::{Guest, SignedIn, answer};
use crate::domain::account::Kind;
use crate::domain::account::session::{Refreshed, SessionKind};
use crate::http::api::Api;
use crate::http::auth::actor;
use crate::http::extract::Valid;
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;

/// A refresh token.
#[derive(Deserialize, ToSchema, Validate)]
pub struct Refresh {
    /// The one got last.
    #[garde(length(max = rules::MOST_SECRET_BYTES))]
    refresh_token: String,
}

/// Get the next access token and the next refresh token. A refresh token serves once; one that comes again ends its
/// session, since somebody has a copy.
#[utoipa::path(post, path = "/api/v1/auth/refresh", operation_id = "auth_refresh", tag = "auth", request_body = Refresh,
    responses(
        (status = 200, description = "The next tokens", body = SignedIn),
        (status = 401, description = "`not-signed-in`: the session has ended", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.auth.refresh", skip_all)]
pub async fn refresh(State(api): State<Api>, guest: Guest, Valid(body): Valid<Refresh>) -> Result<Response, ApiError> {
    let refused = |who: String, target: String, why: &str| {
        api.refuse(who, guest.address, "auth.refresh", &target, why.into());
        ApiError::NotSignedIn(format!("{why}; log in again"))
    };
    match api.accounts.refresh(&body.refresh_token, &guest.client).await? {
        (_, Some(begun)) => Ok(answer(&begun, SessionKind::Bearer, api.now())),
        (Refreshed::Reused { session, account }, None) => {
            let why = "this refresh token was used before, so the session has been ended";
            Err(refused(actor(Kind::Person, account), format!("session:{session}"), why))
        }
        (_, None) => Err(refused("anonymous".into(), String::new(), "this refresh token is not good (any more)")),
    }
}
