//! What every request passes through: a request id, the log line, limits, time-out, headers, problems.

use std::any::Any;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::extract::{ConnectInfo, DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower::util::option_layer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;
use tracing::Instrument;

use super::api::Api;
use super::extract::ClientAddress;
use super::forwarded::TrustedProxies;
use super::once::once;
use super::problem::{ApiError, Problem, render};
use super::request_id::{REQUEST_ID, RequestId};
use super::{cors, counted, unread};
use crate::usage;

/// Bodies of every route that does not say otherwise.
pub const BODY_LIMIT_BYTES: usize = 64 * 1024;
/// The longest pause within a body.
const BODY_PAUSE: Duration = Duration::from_secs(15);
/// Time for a whole request, uploads over slow lines included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// Where much is sent, and time for that; pauses within it are no longer than elsewhere.
const UPLOADS: [&str; 2] = ["/imports", "/photos/batch"];
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(6 * 3_600);

/// Wraps the routes, the innermost first.
pub fn apply(routes: Router, api: &Api) -> Router {
    routes
        .layer(from_fn_with_state(api.clone(), once))
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
        .layer(from_fn(in_time))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(api.clone(), limit))
        .layer(from_fn_with_state(TrustedProxies::new(&api.edge), address))
        .layer(from_fn(problems))
        .layer(from_fn(unread::finish))
        .layer(option_layer(cors::layer(&api.edge.cors)))
        .layer(from_fn(headers))
        .layer(from_fn(observe))
}

/// Names the request, runs it in a span of that name, counts it and logs it.
async fn observe(mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let route = request.extensions().get::<MatchedPath>().map_or("other", |path| path.as_str()).to_owned();
    request.extensions_mut().insert(id);
    let span = tracing::info_span!("http", request.id = %id.0, %method, path);
    let started = Instant::now();
    let mut response = id.scope(next.run(request)).instrument(span.clone()).await;
    let (took, status) = (started.elapsed(), response.status());
    span.in_scope(|| tracing::debug!(status = status.as_u16(), duration_ms = took.as_millis(), "{method} {path}"));
    usage::count(usage::API, &format!("{method} {route}"));
    let labels = [("route", route), ("method", method.to_string()), ("status", status.as_u16().to_string())];
    metrics::counter!("ostiary_server_http_requests_total", &labels).increment(1);
    metrics::histogram!("ostiary_server_http_request_seconds", &labels[..2]).record(took);
    if let Ok(value) = HeaderValue::from_str(&id.0.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Ends a request that takes too long.
async fn in_time(request: Request, next: Next) -> Response {
    let is_upload = UPLOADS.iter().any(|path| request.uri().path().ends_with(path));
    let at_most = if is_upload { UPLOAD_TIMEOUT } else { REQUEST_TIMEOUT };
    let answered = tokio::time::timeout(at_most, next.run(request)).await;
    answered.unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response())
}

async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    super::headers::secure(response.headers_mut());
    response
}

/// Makes every refusal a problem with the request's id, also those of the framework.
async fn problems(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().map(|id| format!("urn:uuid:{}", id.0));
    let asked = format!("{} {}", request.method(), request.uri().path());
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || is_own_answer(&response) {
        return response;
    }
    let (mut parts, _) = match response.extensions().get::<Problem>() {
        Some(_) => response.into_parts(),
        None => keep_headers(&response, framework(status, &asked)).into_parts(),
    };
    let Some(mut problem) = parts.extensions.remove::<Problem>() else {
        return Response::from_parts(parts, Body::empty());
    };
    problem.instance = id;
    parts.headers.remove(CONTENT_TYPE);
    parts.headers.remove("content-length");
    let body = render(&problem).into_response();
    parts.headers.extend(body.headers().iter().map(|(name, value)| (name.clone(), value.clone())));
    Response::from_parts(parts, body.into_body())
}

/// `/readyz` answers 503 with a body of its own, and pages say what is wrong in words for people.
fn is_own_answer(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let own = kind == b"application/json" || kind.starts_with(b"text/html");
    own && response.extensions().get::<Problem>().is_none()
}

/// What the framework refused, in our words.
fn framework(status: StatusCode, asked: &str) -> Response {
    match status {
        StatusCode::NOT_FOUND => ApiError::NotFound("path"),
        StatusCode::METHOD_NOT_ALLOWED => {
            ApiError::MethodNotAllowed(format!("{asked} is not possible; see the Allow header"))
        }
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::BodyTooLarge("the body is larger than this path takes".into()),
        StatusCode::REQUEST_TIMEOUT => ApiError::TooSlow(format!("it took more than {} s", REQUEST_TIMEOUT.as_secs())),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ApiError::UnsupportedMediaType("see the API's description".into()),
        status if status.is_client_error() => ApiError::BadRequest(format!("{asked} cannot be read ({status})")),
        status => ApiError::Internal(format!("{asked} answered {status}")),
    }
    .into_response()
}

/// A refusal in our words keeps what else was said: what is allowed, what was counted.
fn keep_headers(from: &Response, mut to: Response) -> Response {
    let kept = from.headers().iter().filter(|(name, _)| *name != CONTENT_TYPE && *name != CONTENT_LENGTH);
    to.headers_mut().extend(kept.map(|(name, value)| (name.clone(), value.clone())));
    to
}

/// Finds out whose request it is, for everything further in.
async fn address(State(proxies): State<TrustedProxies>, mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        let client = ClientAddress(proxies.client(*peer, request.headers()));
        request.extensions_mut().insert(client);
    }
    next.run(request).await
}

/// Counts the request and says in the answer where whatever was counted for it stands.
async fn limit(State(api): State<Api>, request: Request, next: Next) -> Response {
    let (mut response, counted) = counted::during(limited(api, request, next)).await;
    counted::tell(response.headers_mut(), &counted);
    response
}

async fn limited(api: Api, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let allowed = match ClientAddress::from_request_parts(&mut parts, &api).await {
        Ok(address) => api.limits.request(address).await,
        Err(error) => Err(error),
    };
    match allowed {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(error) => error.into_response(),
    }
}

fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let words = cause.downcast_ref::<String>().map(String::as_str).or(cause.downcast_ref::<&str>().copied());
    metrics::counter!("ostiary_server_http_panics_total").increment(1);
    ApiError::Internal(format!("a handler panicked: {}", words.unwrap_or("without words"))).into_response()
}
