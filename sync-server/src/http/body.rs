//! Reading JSON bodies: type, size, depth, syntax, then the type's own rules; what is wrong is told by JSON pointer.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use super::problem::{ApiError, FieldError};

/// Arrays and objects within each other; the deepest body of the API has 5.
const MAX_DEPTH: usize = 16;

/// The body as a `T`.
///
/// # Errors
/// [`ApiError`] with what is wrong with it.
pub(super) async fn read_json<S: Send + Sync, T: DeserializeOwned>(request: Request, state: &S) -> Result<T, ApiError> {
    if !is_json(request.headers()) {
        let detail = "send JSON with the header `Content-Type: application/json`";
        return Err(ApiError::UnsupportedMediaType(detail.into()));
    }
    let body = Bytes::from_request(request, state).await.map_err(refused)?;
    parse(&body)
}

fn refused(rejection: BytesRejection) -> ApiError {
    let words = rejection.body_text();
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::BodyTooLarge(words),
        _ => ApiError::BadRequest(words),
    }
}

/// `application/json`, or a type that says it is JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    if is_too_deep(body) {
        return Err(ApiError::BadRequest(format!("the JSON is nested more than {MAX_DEPTH} deep")));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner();
        if cause.is_data() {
            return ApiError::InvalidFields(vec![FieldError::of_body(&path, cause.to_string())]);
        }
        ApiError::BadRequest(format!("the body is not JSON: {cause}"))
    })?;
    reader.end().map_err(|error| ApiError::BadRequest(format!("something follows the JSON: {error}")))?;
    Ok(value)
}

/// Whether brackets outside texts stand deeper than [`MAX_DEPTH`]; cheap, and before anything is built of the body.
fn is_too_deep(body: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::Value;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only whether it can be read is looked at")]
    struct Body {
        name: String,
        #[serde(default)]
        sizes: Vec<u8>,
    }

    #[test]
    fn says_what_is_wrong_where() {
        let check = |body: &str, expected: &str| {
            let error = parse::<Body>(body.as_bytes()).unwrap_err();
            assert!(format!("{error:?}").contains(expected), "{body}: {error:?}");
        };
        assert!(parse::<Body>(br#" {"name": "x", "sizes": [1]} "#).is_ok());
        check("{", "not JSON");
        check("{} {}", "missing field `name`");
        check(r#"{"name": "x"} x"#, "something follows");
        check(r#"{"name": 1}"#, r#"Body("/name")"#);
        check(r#"{"name": "x", "sizes": [1, 300]}"#, r#"Body("/sizes/1")"#);
        check("[]", r#"Body("")"#);
        check(&format!("{{\"name\": {}1{}}}", "[".repeat(16), "]".repeat(16)), "nested");
    }

    #[test]
    fn depth_is_of_brackets_and_not_of_texts() {
        let check = |body: &str, expected| assert_eq!(is_too_deep(body.as_bytes()), expected, "{body}");
        check(&format!("{}{}", "[".repeat(16), "]".repeat(16)), false);
        check(&"[".repeat(17), true);
        check(&"{\"a\":".repeat(17), true);
        check(&format!("\"{}\"", "[".repeat(99)), false);
        check(&format!("\"\\\"{}\"", "[".repeat(99)), false);
        check(&"[]".repeat(99), false);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body: Vec<u8>) {
            let _ = parse::<Value>(&body);
        }
    }
}
