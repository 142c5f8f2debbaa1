//! Versions of what can be changed by several people: `ETag` out, `If-Match` in.

use axum::extract::FromRequestParts;
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};

use super::problem::ApiError;
use crate::domain::profile::PersonStamp;

/// The version a change was made against, if the client says one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfMatch(pub Option<u64>);

/// The version a change was made against, which must be said: either a version, or `*` for whatever is there. For whole
/// documents, where a change made against an older one would undo another's without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MustMatch(pub Option<u64>);

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

impl<S: Send + Sync> FromRequestParts<S> for MustMatch {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        if !parts.headers.contains_key(IF_MATCH) {
            return Err(ApiError::VersionRequired);
        }
        IfMatch::from_request_parts(parts, state).await.map(|IfMatch(version)| Self(version))
    }
}

/// The state of a person a change was made against, if the client says one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfMatchPerson(pub Option<PersonStamp>);

/// The header that tells the state of a person.
pub fn person_etag(stamp: PersonStamp) -> [(HeaderName, HeaderValue); 1] {
    let value = HeaderValue::try_from(format!("\"{}.{}\"", stamp.rev, stamp.edit));
    [(ETAG, value.expect("digits, a dot and quotes make a header"))]
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatchPerson {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let Some(header) = parts.headers.get(IF_MATCH) else { return Ok(Self(None)) };
        let text = header.to_str().unwrap_or_default();
        parse_person(text).map(Self).ok_or_else(|| {
            ApiError::BadRequest(format!("`If-Match` must be an ETag as it was sent, for example \"3.1\", not {text}"))
        })
    }
}

/// `"3.1"`, or `*` for whatever is there.
fn parse_person(text: &str) -> Option<Option<PersonStamp>> {
    match text.trim() {
        "*" => Some(None),
        quoted => {
            let (rev, edit) = quoted.strip_prefix('"')?.strip_suffix('"')?.split_once('.')?;
            Some(Some(PersonStamp { rev: rev.parse().ok()?, edit: edit.parse().ok()? }))
        }
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
        let stamp = PersonStamp { rev: 3, edit: 12 };
        assert_eq!(parse_person(person_etag(stamp)[0].1.to_str().unwrap()), Some(Some(stamp)));
        assert_eq!(parse_person("*"), Some(None));
        assert_eq!(parse_person("\"3\""), None);
    }
}
