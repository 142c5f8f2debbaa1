//! What a browser needs to be told of an answer: not to guess, frame, keep or pass on anything.

use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// On every answer.
const ALWAYS: [(HeaderName, &str); 6] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
    (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
];

/// An answer of the API is no page: it may do nothing.
const DATA: [(HeaderName, &str); 2] = [
    (CONTENT_SECURITY_POLICY, "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (PERMISSIONS_POLICY, "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];

/// A page of the panel: everything comes from this server, nothing stands within the page itself, no module makes markup
/// of text, and the camera is for enrolling somebody at a desk.
const PAGE: [(HeaderName, &str); 2] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; \
         font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    (PERMISSIONS_POLICY, "camera=(self), geolocation=(), microphone=(), payment=(), usb=()"),
];

/// A page of the panel that also registers the service worker: the address of one has to be vouched for by a policy, and
/// the one policy named here is the only one such a page may make.
pub static WORKER_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; \
     font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types ostiary-worker",
);

/// Sets what is always the same, and what a handler has not said otherwise: how long the answer may be kept.
pub fn secure(headers: &mut HeaderMap) {
    let is_page = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let kind = if is_page { PAGE } else { DATA };
    for (name, value) in ALWAYS.into_iter().chain(kind) {
        let said = is_page && name == CONTENT_SECURITY_POLICY && headers.get(&name) == Some(&WORKER_POLICY);
        if !said {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_may_run_their_own_scripts_and_data_nothing() {
        let check = |kind: &'static str, cache: Option<&'static str>, expected: [&str; 3]| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            cache.map(|cache| headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache)));
            secure(&mut headers);
            let text = |name: HeaderName| headers[name].to_str().unwrap().to_owned();
            assert!(text(CONTENT_SECURITY_POLICY).contains(expected[0]), "{kind}");
            assert!(text(CONTENT_SECURITY_POLICY).contains("frame-ancestors 'none'"), "{kind}");
            assert!(text(PERMISSIONS_POLICY).contains(expected[1]), "{kind}");
            assert_eq!(text(CACHE_CONTROL), expected[2], "{kind}");
            assert_eq!(text(X_CONTENT_TYPE_OPTIONS), "nosniff");
            assert!(!text(CONTENT_SECURITY_POLICY).contains("unsafe"));
        };
        check("application/json", None, ["default-src 'none'; base-uri", "camera=()", "no-store"]);
        check(
            "image/jpeg",
            Some("private, max-age=60"),
            ["default-src 'none'; base-uri", "camera=()", "private, max-age=60"],
        );
        check("text/html; charset=utf-8", None, ["script-src 'self'", "camera=(self)", "no-store"]);
    }
}
