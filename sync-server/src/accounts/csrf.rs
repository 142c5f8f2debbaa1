//! Against requests that another site has a browser send: a header only our own pages can set, bound to the session,
//! and the browser's own word on where the request comes from.

use aws_lc_rs::{constant_time, hmac};

/// The token of a session, by its cookie: HMAC-SHA-256, hexadecimal.
pub fn token(cookie: &str) -> String {
    hex::encode(hmac::sign(&key(cookie), b"ostiary csrf"))
}

/// Whether the header is the session's token, in time that does not depend on where they differ.
pub fn matches(cookie: &str, header: &str) -> bool {
    constant_time::verify_slices_are_equal(token(cookie).as_bytes(), header.as_bytes()).is_ok()
}

fn key(cookie: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, cookie.as_bytes())
}

/// Where a browser says that a request comes from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Provenance<'a> {
    /// `Sec-Fetch-Site`.
    pub fetch_site: Option<&'a str>,
    /// `Origin`.
    pub origin: Option<&'a str>,
    /// The host the request is for, with its port.
    pub host: Option<&'a str>,
}

impl Provenance<'_> {
    /// Whether the request comes from a page of ours. Browsers of today say so in one header or both; one that says
    /// neither is judged by the token alone.
    pub fn is_ours(&self) -> bool {
        let site_fits = self.fetch_site.is_none_or(|site| matches!(site, "same-origin" | "none"));
        let origin_fits = self.origin.is_none_or(|origin| {
            let host = origin.strip_prefix("https://");
            host.zip(self.host).is_some_and(|(from, to)| from.eq_ignore_ascii_case(to))
        });
        site_fits && origin_fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_of_one_session() {
        let of = token("cookie-a");
        assert!(matches("cookie-a", &of));
        assert!(!matches("cookie-b", &of));
        assert!(!matches("cookie-a", ""));
    }

    #[test]
    fn only_our_own_pages_are_ours() {
        let check = |fetch_site, origin, expected: bool| {
            let from = Provenance { fetch_site, origin, host: Some("doors.example:8443") };
            assert_eq!(from.is_ours(), expected, "{fetch_site:?} {origin:?}");
        };
        check(Some("same-origin"), Some("https://doors.example:8443"), true);
        check(Some("none"), None, true);
        check(None, None, true);
        check(None, Some("https://DOORS.example:8443"), true);
        check(Some("cross-site"), None, false);
        check(Some("same-site"), None, false);
        check(None, Some("https://doors.example"), false);
        check(None, Some("https://evil.example"), false);
        check(None, Some("http://doors.example:8443"), false);
        check(None, Some("null"), false);
        check(Some("same-origin"), Some("https://evil.example"), false);
        let without_host = Provenance { origin: Some("https://doors.example:8443"), ..Provenance::default() };
        assert!(!without_host.is_ours());
    }
}
