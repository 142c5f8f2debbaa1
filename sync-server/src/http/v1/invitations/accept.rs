//! Make the account of an invitation.

use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::account::Kind;
use crate::http::api::Api;
use crate::http::auth::actor;
use crate::http::extract::Valid;
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::http::v1::auth::register::NewLogin;
use crate::http::v1::auth::{Guest, not_made};
use crate::http::v1::users::grants::words;

/// A link's secret, and what is chosen.
#[derive(Deserialize, ToSchema, Validate)]
pub struct Acceptance {
    /// What stands behind the `#` of the link.
    #[garde(length(max = rules::MOST_SECRET_BYTES))]
    token: String,
    /// Login name, display name, address, password.
    #[garde(dive)]
    account: NewLogin,
}

/// The account that was made. Log in with it.
#[derive(Serialize, ToSchema)]
pub struct Accepted {
    /// Id.
    id: Uuid,
    /// Login name.
    login: String,
}

/// Accept an invitation: make the account.
#[utoipa::path(post, path = "/api/v1/auth/accept-invitation", operation_id = "invitations_accept", tag = "auth",
    request_body = Acceptance, responses(
        (status = 201, description = "Made", body = Accepted),
        (status = 409, description = "`taken`: the login name; the link stays good", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`link-refused`, `weak-password`, `invalid-value`", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.invitations.accept", skip_all)]
pub async fn accept(
    State(api): State<Api>,
    guest: Guest,
    Valid(body): Valid<Acceptance>,
) -> Result<(StatusCode, axum::Json<Accepted>), ApiError> {
    api.limits.login(guest.address).await?;
    let choice = body.account.choice()?;
    let (account, invitation) =
        api.accounts.accept(&body.token, choice).await.map_err(not_made).inspect_err(|error| {
            api.refuse("anonymous".into(), guest.address, "invitation.accept", "", error.to_string());
        })?;
    let who = actor(Kind::Person, account.id);
    let detail = format!("invitation:{} by {}, {}", invitation.id, invitation.invited_by, words(&account.grants));
    api.audit(who.clone(), guest.address, "invitation.accept", who, detail).await?;
    Ok((StatusCode::CREATED, axum::Json(Accepted { id: account.id.0, login: account.login.to_string() })))
}
