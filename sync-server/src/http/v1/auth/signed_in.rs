//! What somebody gets who has come in: tokens for programs and apps, cookies for browsers.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{AppendHeaders, IntoResponse, Response};
use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::csrf;
use crate::accounts::log_in::{LogInRefused, LoggedIn, Tried};
use crate::accounts::sessions::Begun;
use crate::accounts::{AccountsError, Client};
use crate::domain::account::Kind;
use crate::domain::account::session::SessionKind;
use crate::http::access::Asks;
use crate::http::api::Api;
use crate::http::auth::actor;
use crate::http::cookies;
use crate::http::extract::ClientAddress;
use crate::http::problem::ApiError;
use crate::notify::signals::NEW_PLACE;

/// How the session is to be carried.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Carried {
    /// An access token and a refresh token, in the answer.
    #[default]
    Token,
    /// Cookies, for the panel in a browser.
    Cookie,
}

impl From<Carried> for SessionKind {
    fn from(carried: Carried) -> Self {
        match carried {
            Carried::Token => Self::Bearer,
            Carried::Cookie => Self::Cookie,
        }
    }
}

/// The tokens of a session; with cookies, only what a page needs to know.
#[derive(Serialize, ToSchema)]
pub struct SignedIn {
    /// To send as `Authorization: Bearer …`.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    /// `Bearer`, or `Cookie`.
    #[schema(value_type = String)]
    token_type: &'static str,
    /// Seconds until the access token, or the cookie, ends.
    expires_in: u64,
    /// Gives the next access token, once.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// To be sent as `X-CSRF-Token` with whatever changes something, if the session is carried by cookies.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf_token: Option<String>,
    /// When the session ends unless it is used.
    session_ends_at: String,
    /// The session, as in the list of sessions.
    session: Uuid,
}

/// The password is right; a second step is wanted.
#[derive(Serialize, ToSchema)]
pub struct SecondStepWanted {
    /// To be sent with the code to `/api/v1/auth/second-step`.
    challenge: String,
    /// `totp`, `recovery_code`.
    #[schema(value_type = Vec<String>)]
    methods: [&'static str; 2],
    /// Seconds until the challenge ends.
    expires_in: u64,
}

/// The answer to a session that has begun or goes on.
pub fn answer(begun: &Begun, kind: SessionKind, now: UnixMillis) -> Response {
    let seconds = |until: UnixMillis| u64::try_from(until.since_ms(now) / 1000).unwrap_or(0);
    let mut body = SignedIn {
        access_token: None,
        token_type: "Cookie",
        expires_in: seconds(begun.ends_at),
        refresh_token: None,
        csrf_token: None,
        session_ends_at: begun.ends_at.to_rfc3339(),
        session: begun.session.0,
    };
    match kind {
        SessionKind::Bearer => {
            body.access_token = Some(begun.access.token.clone());
            body.token_type = "Bearer";
            body.expires_in = seconds(begun.access.expires_at);
            body.refresh_token = Some(begun.secret.to_string());
            Json(body).into_response()
        }
        SessionKind::Cookie => {
            body.csrf_token = Some(csrf::token(&begun.secret));
            (AppendHeaders(cookies::set(&begun.secret, seconds(begun.ends_at))), Json(body)).into_response()
        }
    }
}

/// The answer to a log-in's step, audited.
pub async fn conclude(
    api: &Api,
    address: ClientAddress,
    tried: Tried,
    kind: SessionKind,
    action: &'static str,
) -> Result<Response, ApiError> {
    let target = tried.account.map(|account| format!("user:{account}")).unwrap_or_default();
    let refused = match tried.result {
        Ok(LoggedIn::In { begun, from_new_place }) => {
            let detail = format!("session {}", begun.session);
            let who = actor(Kind::Person, begun.account);
            api.audit(who.clone(), address, action, target.clone(), detail.clone()).await?;
            if from_new_place {
                api.audit(who, address, NEW_PLACE, target, detail).await?;
            }
            return Ok(answer(&begun, kind, api.now()));
        }
        Ok(LoggedIn::SecondStep { challenge, expires_at }) => {
            let expires_in = u64::try_from(expires_at.since_ms(api.now()) / 1000).unwrap_or(0);
            let wanted =
                SecondStepWanted { challenge: challenge.to_string(), methods: ["totp", "recovery_code"], expires_in };
            return Ok((StatusCode::ACCEPTED, Json(wanted)).into_response());
        }
        Err(refused) => refused,
    };
    if !matches!(refused, LogInRefused::Failed(_)) {
        api.refuse("anonymous".into(), address, action, &target, refused.to_string());
    }
    Err(match refused {
        LogInRefused::Wrong => ApiError::WrongLogin,
        LogInRefused::Blocked(left) => ApiError::TooMany { retry_after_s: left.as_secs().max(1) },
        LogInRefused::NotActive(_) => ApiError::NotAllowed(refused.to_string()),
        LogInRefused::ChallengeOver => ApiError::NotSignedIn(refused.to_string()),
        LogInRefused::Failed(error) => error.into(),
    })
}

impl From<AccountsError> for ApiError {
    fn from(error: AccountsError) -> Self {
        match error {
            AccountsError::Store(error) => error.into(),
            other => Self::Internal(other.to_string()),
        }
    }
}

/// What every step of a log-in needs to know of the other end.
pub struct Guest {
    /// To refuse and audit by.
    pub address: ClientAddress,
    /// To count and remember by.
    pub client: Client,
}

impl Asks for Guest {}

impl axum::extract::FromRequestParts<Api> for Guest {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut axum::http::request::Parts, api: &Api) -> Result<Self, ApiError> {
        let address = ClientAddress::from_request_parts(parts, api).await?;
        Ok(Self { address, client: Client::from_request_parts(parts, api).await? })
    }
}
