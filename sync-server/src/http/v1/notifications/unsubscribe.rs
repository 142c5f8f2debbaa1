//! Ending messages by the link in them, without logging in. Following it shows a page that asks; what mail programs do
//! with one click (RFC 8058) and what the page's button does is the same.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use ostiary_common::ids::UserId;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::domain::recognition::Change;
use crate::http::api::Api;
use crate::http::extract::{ClientAddress, ValidQuery};
use crate::http::problem::{ApiError, Problem};
use crate::notify::form::PreferencesForm;
use crate::notify::unsubscribe::{follow, is_ours};

/// What a link says.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Signed {
    /// Whose messages.
    #[garde(skip)]
    account: Uuid,
    /// By which rule; all zeros for every message.
    #[garde(skip)]
    rule: Uuid,
    /// The server's signature.
    #[garde(length(max = 100))]
    #[param(max_length = 100)]
    signature: String,
}

fn checked(api: &Api, signed: &Signed) -> Result<UserId, ApiError> {
    let account = UserId(signed.account);
    if is_ours(&api.notices.key, account, signed.rule, &signed.signature) {
        return Ok(account);
    }
    Err(ApiError::NotAllowed("this link is not good; log in and change what you are told there".into()))
}

fn page(text: &'static str) -> Response {
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response()
}

/// The page a message's link leads to; it changes nothing, since programs follow links to look at them.
#[utoipa::path(get, path = "/api/v1/unsubscribe", operation_id = "unsubscribe_page", tag = "notifications",
    params(Signed),
    responses(
        (status = 200, description = "A page with a button", content_type = "text/html", body = String),
        (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn ask(State(api): State<Api>, ValidQuery(signed): ValidQuery<Signed>) -> Result<Response, ApiError> {
    checked(&api, &signed)?;
    Ok(page(include_str!("../../pages/unsubscribe.html")))
}

/// End the messages a link is for: of one rule, or all.
#[utoipa::path(post, path = "/api/v1/unsubscribe", operation_id = "unsubscribe", tag = "notifications",
    params(Signed),
    responses(
        (status = 200, description = "Ended", content_type = "text/html", body = String),
        (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn end(
    State(api): State<Api>,
    address: ClientAddress,
    ValidQuery(signed): ValidQuery<Signed>,
) -> Result<Response, ApiError> {
    let account = checked(&api, &signed)?;
    let store = &api.notices.store;
    let known = store.account(account).await?;
    if known.is_some() {
        let wishes = store.wishes(account).await?.and_then(|wishes| serde_json::from_str(&wishes.value).ok());
        let mut wishes: PreferencesForm = wishes.unwrap_or_default();
        follow(&mut wishes, signed.rule);
        let json = serde_json::to_string(&wishes).expect("a form has a JSON form");
        store.put_wishes(account, &json, Change { expected: None, now: api.now() }).await?;
        let target = format!("notification_rule:{}", signed.rule);
        api.audit(format!("user:{account}"), address, "notification.unsubscribe", target, String::new()).await?;
    }
    Ok(page(include_str!("../../pages/unsubscribed.html")))
}
