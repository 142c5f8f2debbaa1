//! Which pages of other origins may use the API from a browser. Nobody's, unless configured.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{
    AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LINK, LOCATION, RETRY_AFTER,
};
use axum::http::{HeaderValue, Method};
use tower_http::cors::{AllowCredentials, AllowOrigin, CorsLayer};

use super::counted::{POLICY, STANDING};
use crate::config::CorsOrigin;

/// How long a browser may keep what it was told.
const MAX_AGE: Duration = Duration::from_secs(600);

const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
const SENT: [HeaderName; 6] = [AUTHORIZATION, CONTENT_TYPE, IDEMPOTENCY_KEY, IF_MATCH, IF_NONE_MATCH, CSRF_TOKEN];
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");
const SHOWN: [HeaderName; 9] = [ETAG, LINK, LOCATION, RETRY_AFTER, POLICY, STANDING, REQUEST_ID, DEPRECATION, SUNSET];

/// What answers preflights and marks answers for the configured origins; nothing if there are none, so that a
/// preflight is refused like any other method nobody knows.
pub fn layer(origins: &[CorsOrigin]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let listed: Arc<[CorsOrigin]> = origins.into();
    let with_credentials = Arc::clone(&listed);
    let is = |page: &CorsOrigin, origin: &HeaderValue| page.origin.as_bytes() == origin.as_bytes();
    let allowed = move |origin: &HeaderValue, _: &_| listed.iter().any(|page| is(page, origin));
    let credentials =
        move |origin: &HeaderValue, _: &_| with_credentials.iter().any(|page| page.credentials && is(page, origin));
    Some(
        CorsLayer::new()
            .allow_origin(AllowOrigin::predicate(allowed))
            .allow_credentials(AllowCredentials::predicate(credentials))
            .allow_methods(METHODS)
            .allow_headers(SENT)
            .expose_headers(SHOWN)
            .max_age(MAX_AGE),
    )
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::{HeaderMap, Request};
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn answer(origins: &[CorsOrigin], request: Request<Body>) -> (u16, HeaderMap) {
        let routes = Router::new().route("/", get(async || "hello"));
        let routes = match layer(origins) {
            Some(layer) => routes.layer(layer),
            None => routes,
        };
        let answer = routes.oneshot(request).await.unwrap();
        (answer.status().as_u16(), answer.headers().clone())
    }

    fn origins() -> Vec<CorsOrigin> {
        let page = |origin: &str, credentials| CorsOrigin { origin: origin.into(), credentials };
        vec![page("https://a.example", false), page("https://b.example:8443", true)]
    }

    fn request(method: &str, origin: Option<&str>) -> Request<Body> {
        let mut request = Request::builder().method(method).uri("/");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        if method == "OPTIONS" {
            request = request.header("access-control-request-method", "PUT");
        }
        request.body(Body::empty()).unwrap()
    }

    fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
        headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[tokio::test]
    async fn only_listed_origins_are_let_in_letter_by_letter() {
        let check = async |origin: Option<&str>, allowed: bool, credentials: bool| {
            for method in ["GET", "OPTIONS"] {
                let (status, headers) = answer(&origins(), request(method, origin)).await;
                assert_eq!(status, 200, "{method} {origin:?}");
                let expected = origin.filter(|_| allowed);
                assert_eq!(header(&headers, "access-control-allow-origin"), expected, "{method} {origin:?}");
                let told = header(&headers, "access-control-allow-credentials") == Some("true");
                assert_eq!(told, credentials, "{method} {origin:?}");
                assert!(header(&headers, "vary").unwrap().contains("origin"), "{method} {origin:?}");
            }
        };
        check(None, false, false).await;
        check(Some("https://a.example"), true, false).await;
        check(Some("https://b.example:8443"), true, true).await;
        for origin in [
            "null",
            "*",
            "http://a.example",
            "https://a.example:444",
            "https://b.example",
            "https://a.example.evil.example",
            "https://evil-a.example",
            "https://sub.a.example",
            "https://A.example",
            "https://a.example/",
            "https://a.example, https://b.example:8443",
        ] {
            check(Some(origin), false, false).await;
        }
    }

    #[tokio::test]
    async fn a_preflight_says_what_may_be_sent_and_read() {
        let (_, preflight) = answer(&origins(), request("OPTIONS", Some("https://a.example"))).await;
        assert_eq!(header(&preflight, "access-control-allow-methods"), Some("GET,POST,PUT,PATCH,DELETE"));
        assert!(header(&preflight, "access-control-allow-headers").unwrap().contains("authorization"));
        assert_eq!(header(&preflight, "access-control-max-age"), Some("600"));
        let (_, plain) = answer(&origins(), request("GET", Some("https://a.example"))).await;
        assert!(header(&plain, "access-control-expose-headers").unwrap().contains("ratelimit"));
    }

    #[tokio::test]
    async fn closed_by_default() {
        let (status, headers) = answer(&[], request("OPTIONS", Some("https://a.example"))).await;
        assert_eq!(status, 405);
        assert!(header(&headers, "access-control-allow-origin").is_none());
        let (_, headers) = answer(&[], request("GET", Some("https://a.example"))).await;
        assert!(header(&headers, "access-control-allow-origin").is_none());
    }
}
