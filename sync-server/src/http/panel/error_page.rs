//! A page that says what went wrong and what to do.

use askama::Template;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};

use super::{assets, shell};
use crate::http::problem::ApiError;
use crate::http::request_id::RequestId;

/// What went wrong.
#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    title: &'static str,
    advice: String,
    request: String,
    assets: &'static str,
    theme: &'static str,
}

/// There is no such page.
pub fn not_found(headers: &HeaderMap) -> Response {
    let advice = "There is nothing at this address. It may have been removed, or the link was cut short.";
    page(StatusCode::NOT_FOUND, "Not here", advice.into(), headers)
}

/// The page is there, for others.
pub fn not_allowed(headers: &HeaderMap) -> Response {
    let advice = "Your role does not include this page. An owner or admin can grant it.";
    page(StatusCode::FORBIDDEN, "Not for your role", advice.into(), headers)
}

/// The page cannot be made now.
pub fn failed(error: ApiError, headers: &HeaderMap) -> Response {
    let told = error.into_response();
    let mut answer = match told.status() {
        StatusCode::TOO_MANY_REQUESTS => {
            let advice = "More was asked from here than the server allows. Wait a moment, then load the page again.";
            page(StatusCode::TOO_MANY_REQUESTS, "A little slower, please", advice.into(), headers)
        }
        status => {
            let advice = "Load the page again in a moment. If it stays, an admin finds the cause in the server's log.";
            page(status, "The server has a problem", advice.into(), headers)
        }
    };
    if let Some(wait) = told.headers().get(RETRY_AFTER) {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::clone(wait));
    }
    answer
}

fn page(status: StatusCode, title: &'static str, advice: String, headers: &HeaderMap) -> Response {
    let request = RequestId::current();
    let (assets, theme) = (assets::base(), shell::theme(headers));
    let page = ErrorPage { title, advice, request, assets, theme };
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => ApiError::Internal(format!("rendering a page of an error: {error}")).into_response(),
    }
}
