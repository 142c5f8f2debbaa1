//! The panel's routes, and what becomes of a request for a page.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::header::{ACCEPT, CONTENT_SECURITY_POLICY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;

use super::pages::{PAGES, Page, first_of_use};
use super::shell::Shell;
use super::visitor::{to_sign_in, visitor};
use super::{assets, error_page, outside};
use crate::domain::access::Permission;
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::headers::WORKER_POLICY;
use crate::http::problem::ApiError;

/// The page from which a browser can be had to take messages.
const WITH_WORKER: &str = "/notifications";

/// Everything of the panel.
pub fn routes() -> Router<Api> {
    let outside = outside::routes().route("/assets/{edition}/{*name}", get(asset));
    // A worker is for what lies below it: it stands at the top.
    let outside = outside.route("/sw.js", get(async |headers: HeaderMap| assets::worker(&headers)));
    PAGES.iter().fold(outside, |routes, page| {
        let answer = async |State(api): State<Api>, request: Request| {
            let (mut parts, _) = request.into_parts();
            match visitor(&mut parts, &api).await {
                Ok(Some(caller)) => show(page, &api, &caller, &parts.headers).await,
                Ok(None) => to_sign_in(&parts),
                Err(error) => error_page::failed(error, &parts.headers),
            }
        };
        routes.route(page.path, get(answer))
    })
}

/// Where there is nothing: in words for people, and for programs as every other refusal.
pub async fn missing(request: Request) -> Response {
    let accepts = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let is_person = accepts.is_some_and(|accept| accept.contains("text/html"));
    match is_person && !request.uri().path().starts_with("/api/") {
        true => error_page::not_found(request.headers()),
        false => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn asset(Path((edition, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    assets::answer(&edition, &name, &headers)
}

async fn show(page: &Page, api: &Api, caller: &Caller, headers: &HeaderMap) -> Response {
    let may = |permission: Permission| !caller.access.reach(permission).is_nothing();
    if !page.needs.is_none_or(may) {
        let home = first_of_use(may);
        return if page.path == "/" { Redirect::to(home).into_response() } else { error_page::not_allowed(headers) };
    }
    match render(page, api, caller, headers).await {
        Ok(answer) => answer,
        Err(error) => error_page::failed(error, headers),
    }
}

async fn render(page: &Page, api: &Api, caller: &Caller, headers: &HeaderMap) -> Result<Response, ApiError> {
    if page.path == "/" && is_new(api, caller).await? {
        return Ok(Redirect::to("/setup").into_response());
    }
    let shell = Shell::of(api, caller, page, headers).await?;
    let html = (page.render)(shell).map_err(|error| ApiError::Internal(format!("rendering {}: {error}", page.path)))?;
    let mut answer = Html(html).into_response();
    if page.path == WITH_WORKER {
        answer.headers_mut().insert(CONTENT_SECURITY_POLICY, WORKER_POLICY.clone());
    }
    Ok(answer)
}

/// Whether there is nothing to watch yet, and the caller is who can change that.
async fn is_new(api: &Api, caller: &Caller) -> Result<bool, ApiError> {
    let reach = caller.access.reach(Permission::DoorsManage);
    Ok(reach.is_everything() && api.within.sites_within(&reach).await?.is_empty())
}
