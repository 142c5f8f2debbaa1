//! The two cookies of a browser's session: one that scripts cannot read, and one with the token they must repeat.
//!
//! `__Host-` holds both to this host, over TLS, for every path.

use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::accounts::csrf;

const SESSION: &str = "__Host-ostiary-session";
const CSRF: &str = "__Host-ostiary-csrf";

/// The session's cookie, if one was sent.
pub fn session(headers: &HeaderMap) -> Option<Zeroizing<String>> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    let mut pairs = pairs.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == SESSION).map(|(_, value)| Zeroizing::new(value.to_owned()))
}

/// Sets both, for `max_age_s` seconds.
pub fn set(cookie: &str, max_age_s: u64) -> [(HeaderName, HeaderValue); 2] {
    [
        line(format!("{SESSION}={cookie}; Max-Age={max_age_s}; Path=/; Secure; HttpOnly; SameSite=Strict")),
        line(format!("{CSRF}={}; Max-Age={max_age_s}; Path=/; Secure; SameSite=Strict", csrf::token(cookie))),
    ]
}

/// Takes both away.
pub fn clear() -> [(HeaderName, HeaderValue); 2] {
    [
        line(format!("{SESSION}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict")),
        line(format!("{CSRF}=; Max-Age=0; Path=/; Secure; SameSite=Strict")),
    ]
}

fn line(text: String) -> (HeaderName, HeaderValue) {
    let mut value = HeaderValue::try_from(text).expect("base64url, digits and words make a header");
    value.set_sensitive(true);
    (SET_COOKIE, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_its_own_cookie_among_others() {
        let check = |header: &'static str, expected: Option<&str>| {
            let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(header))]);
            assert_eq!(session(&headers).as_ref().map(|text| text.as_str()), expected, "{header}");
        };
        check("__Host-ostiary-session=abc", Some("abc"));
        check("a=1; __Host-ostiary-session=abc; b=2", Some("abc"));
        check("ostiary-session=abc", None);
        check("x__Host-ostiary-session=abc", None);
        check("", None);
        assert!(session(&HeaderMap::new()).is_none());
    }
}
