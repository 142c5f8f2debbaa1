//! Requests that are carried out once, however often they come: `Idempotency-Key` (as in the IETF's draft of that name).
//!
//! A client that hears nothing cannot know whether its `POST` was carried out. With a key it sends it again, and gets the
//! answer of the first time. What is kept: a fingerprint of the request and, sealed, the answer, for a day. A request goes
//! on to its end even if the client hangs up. Where the server itself ended in between, nobody can know how far it came,
//! and that is said, rather than doing it twice.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::http::request::Parts;
use axum::http::response;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tracing::Instrument;

use super::api::Api;
use super::auth::Caller;
use super::layers::BODY_LIMIT_BYTES;
use super::problem::ApiError;
use super::request_id::RequestId;
use super::v1::persons::photo_body;
use crate::ports::idempotency::{KeyClaim, KeyOutcome, KeyStanding};

/// The header a client sends.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header of an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// How long a key is known.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// Longest key, in characters.
const MAX_KEY_CHARS: usize = 128;
/// Largest answer that is kept.
const MAX_ANSWER_BYTES: usize = 256 * 1024;
/// What a form adds to the photos in it.
const FORM_BYTES: usize = 64 * 1024;
/// Paths whose answers hold secrets that are shown once: they are not kept.
const SECRET_PATHS: [&str; 4] = ["/api/v1/auth", "/api/v1/me", "/api/v1/keys", "/api/v1/service-accounts"];
/// Paths whose answers tell of persons.
const PERSONAL_PATHS: [&str; 4] = ["/api/v1/persons", "/api/v1/recognize", "/api/v1/search", "/api/v1/unknowns"];

/// An answer of a handler with this among its extensions is not kept: it holds a secret.
#[derive(Clone, Copy, Debug)]
pub struct ShownOnce;

/// An answer as it is kept.
#[derive(Deserialize, Serialize)]
struct Kept {
    content_type: Option<String>,
    etag: Option<String>,
    body: String,
}

/// Carries out a `POST` with an `Idempotency-Key` once. Requests without an account have no keys of their own and pass.
pub async fn once(State(api): State<Api>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST || !request.headers().contains_key(IDEMPOTENCY_KEY) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let Ok(caller) = Caller::from_request_parts(&mut parts, &api).await else {
        // The handler says what is wrong, if an account is needed at all.
        return next.run(Request::from_parts(parts, body)).await;
    };
    let keyed = match Keyed::read(&api, caller.actor(), &parts, body).await {
        Ok(keyed) => keyed,
        Err(error) => return error.into_response(),
    };
    let standing = api.store.claim_key(&keyed.claim).await;
    match standing.map_err(ApiError::from).and_then(|standing| keyed.answer(&api, standing)) {
        Ok(Some(answer)) => answer,
        Ok(None) => keyed.carry_out(api, parts, next).await,
        Err(error) => error.into_response(),
    }
}

/// A request with a key.
struct Keyed {
    claim: KeyClaim,
    body: Bytes,
}

impl Keyed {
    async fn read(api: &Api, account: String, parts: &Parts, body: Body) -> Result<Self, ApiError> {
        let key = key(&parts.headers)?;
        let too_large = |_| ApiError::BodyTooLarge("the body is larger than this path takes".into());
        let body = to_bytes(body, body_limit(api, parts.uri.path())).await.map_err(too_large)?;
        let now = api.now();
        let claim = KeyClaim {
            account,
            key,
            fingerprint: fingerprint(parts, &body),
            personal: is_below(parts.uri.path(), &PERSONAL_PATHS),
            now,
            ends_at: now.plus(LIFE),
        };
        Ok(Self { claim, body })
    }

    /// The row the answer belongs to.
    fn place(&self) -> Vec<u8> {
        format!("{}/{}", self.claim.account, self.claim.key).into_bytes()
    }

    /// The answer there is already; none if the request is to be carried out.
    fn answer(&self, api: &Api, standing: KeyStanding) -> Result<Option<Response>, ApiError> {
        match standing {
            KeyStanding::Ours => Ok(None),
            KeyStanding::InProgress => Err(ApiError::InProgress),
            KeyStanding::OtherRequest => Err(ApiError::KeyReused),
            KeyStanding::TooMany => Err(ApiError::TooMany { retry_after_s: 3600 }),
            KeyStanding::Unknown => Err(ApiError::AnswerGone(
                "a request with this Idempotency-Key was begun, and the server ended before it could answer: look \
                 whether it was carried out; if not, send it with a new key",
            )),
            KeyStanding::Done { answer: None, .. } => Err(ApiError::AnswerGone(
                "this request was carried out, and its answer is not kept any more: look at what is there",
            )),
            KeyStanding::Done { status, answer: Some(sealed) } => self.replay(api, status, &sealed).map(Some),
        }
    }

    fn replay(&self, api: &Api, status: u16, sealed: &[u8]) -> Result<Response, ApiError> {
        let unreadable = || ApiError::Internal("a kept answer cannot be opened".into());
        let opened = api.answers.open(&self.place(), sealed).map_err(|_| unreadable())?;
        let kept: Kept = serde_json::from_slice(&opened).map_err(|_| unreadable())?;
        let status = StatusCode::from_u16(status).map_err(|_| unreadable())?;
        let mut response = (status, kept.body).into_response();
        response.headers_mut().remove(CONTENT_TYPE);
        for (name, value) in [(CONTENT_TYPE, kept.content_type), (ETAG, kept.etag)] {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                response.headers_mut().insert(name, value);
            }
        }
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        Ok(response)
    }

    /// Runs the request to its end, whether the client waits for it or not, and keeps what came of it.
    async fn carry_out(self, api: Api, parts: Parts, next: Next) -> Response {
        let id = parts.extensions.get::<RequestId>().copied();
        let secret = is_below(parts.uri.path(), &SECRET_PATHS);
        let request = Request::from_parts(parts, Body::from(self.body.clone()));
        let work = async move {
            let response = next.run(request).await;
            self.keep(&api, response, secret).await
        };
        let work = async move {
            match id {
                Some(id) => id.scope(work).await,
                None => work.await,
            }
        };
        match tokio::spawn(work.in_current_span()).await {
            Ok(response) => response,
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => ApiError::Internal("a request was ended with the server".into()).into_response(),
            },
        }
    }

    async fn keep(self, api: &Api, response: Response, secret: bool) -> Response {
        let secret = secret || response.extensions().get::<ShownOnce>().is_some();
        let (response, outcome) = match response.status() {
            status if status.is_success() => {
                let (parts, body) = response.into_parts();
                let body = match to_bytes(body, usize::MAX).await {
                    Ok(body) => body,
                    Err(error) => return ApiError::Internal(format!("reading an answer: {error}")).into_response(),
                };
                let answer = if secret { None } else { self.seal(api, &parts, &body) };
                let outcome = KeyOutcome::Done { status: status.as_u16(), answer };
                (Response::from_parts(parts, Body::from(body)), outcome)
            }
            // A desk that is busy has done nothing; other failures may have come half-way.
            status if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE => {
                (response, KeyOutcome::Unknown)
            }
            _ => (response, KeyOutcome::Refused),
        };
        if let Err(error) = api.store.settle_key(&self.claim.account, &self.claim.key, &outcome).await {
            tracing::error!(%error, "how a request with a key ended could not be kept: {error}");
        }
        response
    }

    fn seal(&self, api: &Api, parts: &response::Parts, body: &[u8]) -> Option<Vec<u8>> {
        let text = std::str::from_utf8(body).ok().filter(|text| text.len() <= MAX_ANSWER_BYTES)?;
        let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let kept = Kept { content_type: header(CONTENT_TYPE), etag: header(ETAG), body: text.to_owned() };
        let json = serde_json::to_vec(&kept).expect("texts have a JSON form");
        Some(api.answers.seal(&self.place(), &json))
    }
}

fn key(headers: &HeaderMap) -> Result<String, ApiError> {
    let text = headers.get(IDEMPOTENCY_KEY).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let fits = (1..=MAX_KEY_CHARS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    let detail = || format!("`Idempotency-Key` must be 1 to {MAX_KEY_CHARS} visible ASCII characters, as of a UUID");
    fits.then(|| text.to_owned()).ok_or_else(|| ApiError::BadRequest(detail()))
}

/// What makes a request this one.
fn fingerprint(parts: &Parts, body: &[u8]) -> [u8; 32] {
    let kind = parts.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let asked = parts.uri.path_and_query().map_or("", |asked| asked.as_str());
    let mut hasher = Sha256::new();
    for piece in [asked.as_bytes(), kind, body] {
        hasher.update((piece.len() as u64).to_be_bytes());
        hasher.update(piece);
    }
    hasher.finalize().into()
}

/// Only photos are larger than other bodies.
fn body_limit(api: &Api, path: &str) -> usize {
    if path.ends_with("/photos") || path.ends_with("/recognize") {
        let photos = api.bounds.photo_max_bytes() * api.bounds.photos_per_request + FORM_BYTES;
        return photos.min(photo_body::BODY_LIMIT_BYTES);
    }
    BODY_LIMIT_BYTES
}

fn is_below(path: &str, roots: &[&str]) -> bool {
    roots.iter().any(|root| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_short_visible_texts() {
        let check = |text: &str, good: bool| {
            let headers = HeaderMap::from_iter([(IDEMPOTENCY_KEY, HeaderValue::from_str(text).unwrap())]);
            assert_eq!(key(&headers).is_ok(), good, "{text}");
        };
        check("01a1fbf4-6ba3-75d3-87f4-fee01a1eec83", true);
        check(&"k".repeat(128), true);
        check(&"k".repeat(129), false);
        check("two words", false);
        check("", false);
    }

    #[test]
    fn requests_differ_by_path_type_and_body() {
        let of = |path: &str, kind: &'static str, body: &[u8]| {
            let (parts, ()) = Request::builder().uri(path).header(CONTENT_TYPE, kind).body(()).unwrap().into_parts();
            fingerprint(&parts, body)
        };
        let first = of("/api/v1/sites", "application/json", b"{}");
        assert_eq!(first, of("/api/v1/sites", "application/json", b"{}"));
        assert_ne!(first, of("/api/v1/doors", "application/json", b"{}"));
        assert_ne!(first, of("/api/v1/sites?a=1", "application/json", b"{}"));
        assert_ne!(first, of("/api/v1/sites", "application/json", b"{} "));
        assert_ne!(first, of("/api/v1/sites", "image/png", b"{}"));
    }

    #[test]
    fn paths_are_below_their_root_only() {
        let check = |path: &str, expected| assert_eq!(is_below(path, &PERSONAL_PATHS), expected, "{path}");
        check("/api/v1/persons", true);
        check("/api/v1/persons/x/photos", true);
        check("/api/v1/personsx", false);
        check("/api/v1/sites", false);
    }
}
