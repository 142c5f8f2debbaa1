//! Versions of what can be changed by several people: `ETag` out, `If-Match` in.

use axum::extract::FromRequestParts;
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};

use super::problem::ApiError;

/// The version a change was made against, if the client says one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfMatch(pub Option<u64>);

/// The header that tells a version.
pub fn etag(version: u64) -> [(HeaderName, HeaderValue); 1] {
    let value = HeaderValue::try_from(format!("\"{version}\"")).expect("digits and quotes make a header");
    [(ETAG, value)]
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let Some(header) = parts.headers.get(IF_MATCH) else { return Ok(Self(None)) };
        let text = header.to_str().unwrap_or_default();
        parse(text).map(Self).ok_or_else(|| {
            ApiError::BadRequest(format!("`If-Match` must be an ETag as it was sent, for example \"3\", not {text}"))
        })
    }
}

/// `"3"`, or `*` for whatever is there.
fn parse(text: &str) -> Option<Option<u64>> {
    match text.trim() {
        "*" => Some(None),
        quoted => quoted.strip_prefix('"')?.strip_suffix('"')?.parse().ok().map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_back_as_they_went() {
        let check = |text: &str, expected| assert_eq!(parse(text), expected, "{text}");
        check("\"3\"", Some(Some(3)));
        check(" \"0\" ", Some(Some(0)));
        check("*", Some(None));
        check("3", None);
        check("W/\"3\"", None);
        check("\"three\"", None);
        check("", None);
        assert_eq!(etag(7)[0].1, "\"7\"");
    }
}
