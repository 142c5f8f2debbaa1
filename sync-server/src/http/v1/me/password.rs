//! My password.

use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{confirm, myself};
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::extract::Valid;
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::http::v1::auth::not_made;
use crate::identity::password::Password;

/// The old password and the new.
#[derive(Deserialize, ToSchema, Validate)]
pub struct ChangePassword {
    /// The password there is.
    #[garde(length(max = rules::MOST_SECRET_BYTES))]
    #[schema(format = Password)]
    password: String,
    /// The new one: 15 to 256 characters, 8 where a second factor is asked for.
    #[garde(length(max = rules::MOST_SECRET_BYTES))]
    #[schema(format = Password)]
    new_password: String,
}

/// Change my password. Every other session ends.
#[utoipa::path(post, path = "/api/v1/me/password", operation_id = "me_password", tag = "me", security(("bearer" = [])),
    request_body = ChangePassword, responses(
        (status = 204, description = "Changed"),
        (status = 409, description = "`wrong-state`: a service has no password", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`, `weak-password`", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.me.password", skip_all)]
pub async fn change(
    State(api): State<Api>,
    caller: Caller,
    Valid(body): Valid<ChangePassword>,
) -> Result<StatusCode, ApiError> {
    let account = myself(&api, &caller).await?;
    confirm(&api, &caller, &account, body.password).await?;
    let keep = caller.via.session();
    api.accounts.set_password(&account, Password::new(body.new_password), keep).await.map_err(not_made)?;
    api.audit_done(&caller, "me.password", caller.actor(), "other sessions ended".into()).await?;
    Ok(StatusCode::NO_CONTENT)
}
