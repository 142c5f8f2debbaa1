//! Who looks at a page.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};

use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::cookies;
use crate::http::problem::ApiError;

/// Longest address that is gone back to after signing in.
const MAX_NEXT: usize = 500;

/// Who is signed in by cookie; nobody, if there is none or it is no longer good.
///
/// # Errors
/// [`ApiError`] if that cannot be found out, or too much is asked.
pub async fn visitor(parts: &mut Parts, api: &Api) -> Result<Option<Caller>, ApiError> {
    // Looked at first, so that everybody who is not signed in yet does not stand in the audit log.
    if cookies::session(&parts.headers).is_none() {
        return Ok(None);
    }
    match Caller::from_request_parts(parts, api).await {
        Ok(caller) => Ok(Some(caller)),
        Err(ApiError::NotSignedIn(_) | ApiError::NotAllowed(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

/// To where one signs in, and then comes back.
pub fn to_sign_in(parts: &Parts) -> Response {
    let wanted = parts.uri.path_and_query().map_or("/", |wanted| wanted.as_str());
    if wanted == "/" || wanted.len() > MAX_NEXT {
        return Redirect::to("/sign-in").into_response();
    }
    Redirect::to(&format!("/sign-in?next={}", encoded(wanted))).into_response()
}

/// Everything but unreserved characters (RFC 3986) as `%XX`.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match plain(byte) {
            true => encoded.push(char::from(byte)),
            false => encoded.push_str(&format!("%{byte:02X}")),
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_to_where_one_wanted_to_go() {
        let check = |wanted: &str, expected: &str| {
            let (parts, ()) = axum::http::Request::get(wanted).body(()).unwrap().into_parts();
            assert_eq!(to_sign_in(&parts).headers()["location"], expected);
        };
        check("/", "/sign-in");
        check("/visits?kind=unknown&from=2026", "/sign-in?next=/visits%3Fkind%3Dunknown%26from%3D2026");
        check(&format!("/visits?{}", "x".repeat(600)), "/sign-in");
    }
}
