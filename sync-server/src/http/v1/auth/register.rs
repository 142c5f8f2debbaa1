//! Registering oneself, where the installation allows it.

use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Guest, not_made};
use crate::accounts::invite::Choice;
use crate::domain::account::Kind;
use crate::http::api::Api;
use crate::http::auth::actor;
use crate::http::extract::{ClientAddress, Valid};
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::http::v1::me::profile::email;
use crate::http::v1::name;
use crate::identity::password::Password;

/// What somebody chooses who makes an account.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewLogin {
    /// Login name, 1 to 100 characters without spaces; case does not matter.
    #[garde(custom(rules::login))]
    login: String,
    /// Display name; left out, the login name.
    #[garde(inner(custom(rules::name)))]
    name: Option<String>,
    /// Where links for a new password are sent.
    #[garde(inner(custom(rules::email)))]
    email: Option<String>,
    /// 15 to 256 characters, none of those that attackers try first.
    #[garde(length(max = rules::MOST_SECRET_BYTES))]
    #[schema(format = Password)]
    password: String,
}

impl NewLogin {
    /// Checked.
    pub fn choice(self) -> Result<Choice, ApiError> {
        let invalid = |e: crate::domain::account::login::InvalidLogin| ApiError::Invalid {
            field: "login",
            detail: e.to_string(),
        };
        let login = crate::domain::account::Login::parse(&self.login).map_err(invalid)?;
        let name = name(self.name.as_deref().unwrap_or(login.as_str()))?;
        Ok(Choice { login, name, email: email(self.email.as_deref())?, password: Password::new(self.password) })
    }
}

/// The registration was received.
#[derive(Serialize, ToSchema)]
pub struct Registered {
    /// What happens next.
    #[schema(value_type = String)]
    next: &'static str,
}

/// Register, if the installation allows it. An admin has to approve. The answer is the same if the login name is taken.
#[utoipa::path(post, path = "/api/v1/auth/register", operation_id = "auth_register", tag = "auth", request_body = NewLogin,
    responses(
        (status = 202, description = "Received", body = Registered),
        (status = 403, description = "`not-allowed`: accounts are by invitation here", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`, `weak-password`", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.auth.register", skip_all)]
pub async fn register(
    State(api): State<Api>,
    guest: Guest,
    Valid(body): Valid<NewLogin>,
) -> Result<(StatusCode, axum::Json<Registered>), ApiError> {
    if !api.accounts.rules.self_registration {
        return Err(ApiError::NotAllowed("accounts are by invitation here; ask an admin for one".into()));
    }
    api.limits.login(guest.address).await?;
    let choice = body.choice()?;
    choice.check_password().map_err(|weak| not_made(weak.into()))?;
    // Apart from the answer, which must not take longer if the name is taken.
    tokio::spawn(registered(api, guest.address, choice));
    let next = "an admin has to approve the account; until then it cannot be used";
    Ok((StatusCode::ACCEPTED, axum::Json(Registered { next })))
}

async fn registered(api: Api, address: ClientAddress, choice: Choice) {
    let done = match api.accounts.register(choice).await {
        Ok(Some(account)) => {
            let who = actor(Kind::Person, account.id);
            api.audit(who.clone(), address, "auth.register", who, String::new()).await.map_err(|e| e.to_string())
        }
        Ok(None) => {
            api.refuse("anonymous".into(), address, "auth.register", "", "the login name is taken".into());
            Ok(())
        }
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = done {
        tracing::error!(%error, "a registration failed: {error}");
    }
}
