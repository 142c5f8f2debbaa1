//! The two pages that links in messages lead to: accept an invitation, choose a new password. Nothing of them is fetched
//! from elsewhere, and the secret behind the link's `#` is read by the page alone.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;

use super::api::Api;

const HTML: &str = "text/html; charset=utf-8";

/// The pages and what they are made of.
pub fn routes() -> Router<Api> {
    Router::new()
        .route("/accept", get(async || file(HTML, include_str!("pages/accept.html"))))
        .route("/new-password", get(async || file(HTML, include_str!("pages/new-password.html"))))
        .route("/assets/link.js", get(async || file("text/javascript", include_str!("pages/link.js"))))
        .route("/assets/link.css", get(async || file("text/css", include_str!("pages/link.css"))))
}

fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind)], text)
}
