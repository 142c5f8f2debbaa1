//! Signing in with a password.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::api::Api;
use crate::http::extract::{ClientAddress, Json};
use crate::http::problem::{ApiError, Problem};
use crate::identity::password::{MAX_PASSWORD_CHARS, Password};

/// The longest login name looked up.
const MAX_LOGIN_CHARS: usize = 100;

/// Name and password.
#[derive(Deserialize, ToSchema)]
pub struct Login {
    /// Login name; case does not matter.
    #[schema(example = "admin")]
    login: String,
    /// The password.
    #[schema(format = Password)]
    password: String,
}

/// A token to send as `Authorization: Bearer …`.
#[derive(Serialize, ToSchema)]
pub struct AccessToken {
    /// The token.
    access_token: String,
    /// `Bearer`.
    #[schema(value_type = String)]
    token_type: &'static str,
    /// Seconds until it ends.
    expires_in: u64,
}

/// Sign in.
#[utoipa::path(post, path = "/api/v1/auth/login", operation_id = "auth_login", tag = "auth", request_body = Login, responses(
    (status = 200, description = "Signed in", body = AccessToken),
    (status = 401, description = "`wrong-login`", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
))]
#[tracing::instrument(name = "http.v1.auth.login", skip_all)]
pub async fn login(
    State(api): State<Api>,
    address: ClientAddress,
    Json(body): Json<Login>,
) -> Result<axum::Json<AccessToken>, ApiError> {
    let login = body.login.trim().to_lowercase();
    if login.chars().count() > MAX_LOGIN_CHARS || body.password.chars().count() > MAX_PASSWORD_CHARS {
        return Err(ApiError::WrongLogin);
    }
    let counted = api.limits.login(address, &login).await;
    counted.inspect_err(|_| refused(&api, address, &login, "too many attempts"))?;
    let user = api.store.user_by_login(&login).await?;
    let stored = user.as_ref().map(|user| user.password_hash.clone());
    let fits = api.passwords.check(Password::new(body.password), stored).await;
    let Some(user) = user.filter(|_| matches!(fits, Ok(true))) else {
        if let Err(error) = fits {
            return Err(ApiError::Internal(error.to_string()));
        }
        refused(&api, address, &login, "wrong login name or password");
        return Err(ApiError::WrongLogin);
    };
    let issued = api.tokens.issue_user(user.id, api.now());
    api.audit(format!("user:{}", user.id), address, "auth.login", login, String::new()).await?;
    let expires_in = api.tokens.access_life().as_secs();
    Ok(axum::Json(AccessToken { access_token: issued.token, token_type: "Bearer", expires_in }))
}

fn refused(api: &Api, address: ClientAddress, login: &str, why: &str) {
    api.refuse("anonymous".into(), address, "auth.login", login, why.into());
}
