//! The account signed in, for itself.

pub mod notification_preferences;
pub mod password;
pub mod profile;
pub mod push;
pub mod read;
pub mod searches;
pub mod sessions;
pub mod totp;
pub mod verdicts;

use crate::accounts::log_in::LogInRefused;
use crate::domain::account::{Account, Kind};
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::problem::ApiError;
use crate::identity::password::{MAX_PASSWORD_CHARS, Password};

/// The caller's account, of a person: services have neither passwords nor second factors.
async fn myself(api: &Api, caller: &Caller) -> Result<Account, ApiError> {
    if caller.kind == Kind::Service {
        return Err(ApiError::WrongState("a service has neither password nor second factor; it has keys".into()));
    }
    api.accounts.book.account(caller.account).await?.ok_or(ApiError::NotFound("account"))
}

/// Sees that the caller knows the account's password.
async fn confirm(api: &Api, caller: &Caller, account: &Account, password: String) -> Result<(), ApiError> {
    let endless = password.chars().count() > MAX_PASSWORD_CHARS;
    let password = Password::new(if endless { String::new() } else { password });
    let refused = match api.accounts.confirm_password(account, password).await {
        Ok(()) => return Ok(()),
        Err(refused) => refused,
    };
    let error = match &refused {
        LogInRefused::Blocked(left) => ApiError::TooMany { retry_after_s: left.as_secs().max(1) },
        LogInRefused::Failed(error) => ApiError::Internal(error.to_string()),
        _ => ApiError::Invalid { field: "password", detail: "this is not the account's password".into() },
    };
    api.refuse(caller.actor(), caller.address, "me.confirm", &caller.actor(), refused.to_string());
    Err(error)
}
