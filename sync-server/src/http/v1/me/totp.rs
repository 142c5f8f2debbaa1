//! My second factor.

use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{confirm, myself};
use crate::accounts::Accounts;
use crate::domain::account::lockout::Place;
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::extract::Valid;
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::http::v1::auth::not_made;
use crate::identity::password::Password;
use crate::ports::accounts::Attempt;

/// The account's password.
#[derive(Deserialize, ToSchema, Validate)]
pub struct Confirm {
    /// The password.
    #[garde(length(max = rules::MOST_SECRET_BYTES))]
    #[schema(format = Password)]
    password: String,
}

/// A secret to be taken into an authenticator app.
#[derive(Serialize, ToSchema)]
pub struct TotpSecret {
    /// To be typed: base 32.
    secret: String,
    /// To be shown as a QR code: `otpauth://totp/…`.
    otpauth_url: String,
}

/// A code of the app.
#[derive(Deserialize, ToSchema, Validate)]
pub struct Code {
    /// Six digits.
    #[garde(length(max = 100))]
    #[schema(example = "287082")]
    code: String,
}

/// Codes for when the app is lost. They are shown only here.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodes {
    /// Each serves once.
    recovery_codes: Vec<String>,
}

/// Begin to set up a second factor: take the secret into an app, then confirm with a code.
#[utoipa::path(post, path = "/api/v1/me/totp", operation_id = "me_totp_begin", tag = "me", security(("bearer" = [])),
    request_body = Confirm, responses(
        (status = 201, description = "To be confirmed", body = TotpSecret),
        (status = 409, description = "`wrong-state`: there is one already", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.me.totp.begin", skip_all)]
pub async fn begin(
    State(api): State<Api>,
    caller: Caller,
    Valid(body): Valid<Confirm>,
) -> Result<(StatusCode, axum::Json<TotpSecret>), ApiError> {
    let account = myself(&api, &caller).await?;
    confirm(&api, &caller, &account, body.password).await?;
    let there = || ApiError::WrongState("there is a second factor already; remove it first".into());
    let enrolling = api.accounts.enroll_totp(&account).await?.ok_or_else(there)?;
    api.audit_done(&caller, "me.totp.begin", caller.actor(), String::new()).await?;
    let view = TotpSecret { secret: enrolling.secret.to_string(), otpauth_url: enrolling.url.to_string() };
    Ok((StatusCode::CREATED, axum::Json(view)))
}

/// Confirm the second factor with a first code. From now on it is asked for.
#[utoipa::path(post, path = "/api/v1/me/totp/confirm", operation_id = "me_totp_confirm", tag = "me",
    security(("bearer" = [])), request_body = Code, responses(
        (status = 200, description = "Set up", body = RecoveryCodes),
        (status = 409, description = "`wrong-state`: a service has none", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`: the code is wrong, or nothing is to be confirmed",
            body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.me.totp.confirm", skip_all)]
pub async fn confirm_code(
    State(api): State<Api>,
    caller: Caller,
    Valid(body): Valid<Code>,
) -> Result<axum::Json<RecoveryCodes>, ApiError> {
    let account = myself(&api, &caller).await?;
    if let Attempt::Blocked(left) = api.accounts.book.count_second_step(account.id, Place::Known, api.now()).await? {
        return Err(ApiError::TooMany { retry_after_s: left.as_secs().max(1) });
    }
    let wrong = || ApiError::Invalid {
        field: "code",
        detail: "this code is not right now, or nothing is to be confirmed; is the clock of the app's device right?"
            .into(),
    };
    let recovery_codes = api.accounts.confirm_totp(account.id, &body.code).await?.ok_or_else(wrong)?;
    api.accounts.book.forgive_second_step(account.id, Place::Known).await?;
    api.audit_done(&caller, "me.totp.confirm", caller.actor(), String::new()).await?;
    Ok(axum::Json(RecoveryCodes { recovery_codes }))
}

/// Get new recovery codes; the old ones are void.
#[utoipa::path(post, path = "/api/v1/me/totp/recovery-codes", operation_id = "me_totp_recovery_codes", tag = "me",
    security(("bearer" = [])), request_body = Confirm, responses(
        (status = 200, description = "The new codes", body = RecoveryCodes),
        (status = 409, description = "`wrong-state`: there is no second factor", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.me.totp.recovery_codes", skip_all)]
pub async fn recovery_codes(
    State(api): State<Api>,
    caller: Caller,
    Valid(body): Valid<Confirm>,
) -> Result<axum::Json<RecoveryCodes>, ApiError> {
    let account = myself(&api, &caller).await?;
    if !account.second_factor {
        return Err(ApiError::WrongState("there is no second factor".into()));
    }
    confirm(&api, &caller, &account, body.password).await?;
    let recovery_codes = api.accounts.renew_recovery_codes(account.id).await?;
    api.audit_done(&caller, "me.totp.recovery_codes", caller.actor(), String::new()).await?;
    Ok(axum::Json(RecoveryCodes { recovery_codes }))
}

/// Remove my second factor. The password must be long enough to stand alone.
#[utoipa::path(post, path = "/api/v1/me/totp/remove", operation_id = "me_totp_remove", tag = "me",
    security(("bearer" = [])), request_body = Confirm, responses(
        (status = 204, description = "Removed"),
        (status = 409, description = "`wrong-state`: there is none", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`, `weak-password`", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.me.totp.remove", skip_all)]
pub async fn remove(
    State(api): State<Api>,
    caller: Caller,
    Valid(body): Valid<Confirm>,
) -> Result<StatusCode, ApiError> {
    let account = myself(&api, &caller).await?;
    confirm(&api, &caller, &account, body.password.clone()).await?;
    Accounts::stands_alone(&account, &Password::new(body.password)).map_err(|weak| not_made(weak.into()))?;
    if !api.accounts.book.remove_second_factor(account.id).await? {
        return Err(ApiError::WrongState("there is no second factor".into()));
    }
    api.audit_done(&caller, "me.totp.remove", caller.actor(), String::new()).await?;
    Ok(StatusCode::NO_CONTENT)
}
