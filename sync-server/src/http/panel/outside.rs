//! The pages for who is not signed in: signing in, registering, and the two that links in messages lead to.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use super::{assets, error_page, shell};
use crate::http::api::Api;
use crate::http::problem::ApiError;

/// Their routes.
pub fn routes() -> Router<Api> {
    Router::new()
        .route("/sign-in", get(sign_in))
        .route("/register", get(register))
        .route(
            "/accept",
            get(async |headers: HeaderMap| page(&Accept { shell: Outside::of("Your invitation", &headers) })),
        )
        .route(
            "/new-password",
            get(async |headers: HeaderMap| page(&NewPassword { shell: Outside::of("A new password", &headers) })),
        )
}

/// What stands around a page for strangers, who are not told what the installation is called.
struct Outside {
    title: &'static str,
    assets: &'static str,
    theme: &'static str,
}

impl Outside {
    fn of(title: &'static str, headers: &HeaderMap) -> Self {
        Self { title, assets: assets::base(), theme: shell::theme(headers) }
    }
}

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignIn {
    shell: Outside,
    has_owner: bool,
    registers: bool,
}

#[derive(Template)]
#[template(path = "register.html")]
struct Register {
    shell: Outside,
}

#[derive(Template)]
#[template(path = "accept.html")]
struct Accept {
    shell: Outside,
}

#[derive(Template)]
#[template(path = "new-password.html")]
struct NewPassword {
    shell: Outside,
}

async fn sign_in(State(api): State<Api>, headers: HeaderMap) -> Response {
    let registers = api.accounts.rules.self_registration;
    match api.accounts.book.has_owner().await {
        Ok(has_owner) => page(&SignIn { shell: Outside::of("Sign in", &headers), has_owner, registers }),
        Err(error) => error_page::failed(error.into(), &headers),
    }
}

async fn register(State(api): State<Api>, headers: HeaderMap) -> Response {
    match api.accounts.rules.self_registration {
        true => page(&Register { shell: Outside::of("Ask for an account", &headers) }),
        false => error_page::not_found(&headers),
    }
}

fn page(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => ApiError::Internal(format!("rendering a page: {error}")).into_response(),
    }
}
