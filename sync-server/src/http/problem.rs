//! Refusals and failures: problem+json (RFC 9457) with a stable `type` and words that say what to do.

use std::borrow::Cow;

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::ports::StoreError;

/// Media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// What every `type` starts with.
const TYPE_PREFIX: &str = "urn:ostiary:problem:";

/// A problem as it is sent.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Which problem, stable: `urn:ostiary:problem:<slug>`.
    #[serde(rename = "type")]
    #[schema(example = "urn:ostiary:problem:not-found")]
    pub kind: String,
    /// The kind in words.
    pub title: Cow<'static, str>,
    /// The HTTP status again.
    pub status: u16,
    /// What happened here, and what to do.
    pub detail: String,
    /// Names this one occurrence: `urn:uuid:<request id>`, to be found in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// More, depending on the kind.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// Why a request was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// 400: cannot be read.
    #[error("{0}")]
    BadRequest(String),
    /// 401: no token, or not a good one.
    #[error("{0}")]
    NotSignedIn(String),
    /// 401: name or password is wrong; which one is not told.
    #[error("wrong login name or password")]
    WrongLogin,
    /// 401: a device's claim code or proof was refused.
    #[error("{detail}")]
    DeviceRefused {
        /// `claim-refused`, `renewal-refused`.
        slug: &'static str,
        /// Why.
        detail: String,
    },
    /// 403: signed in, but this is not for this role.
    #[error("{0}")]
    NotAllowed(String),
    /// 404.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// 405.
    #[error("{0}")]
    MethodNotAllowed(String),
    /// 408.
    #[error("{0}")]
    TooSlow(String),
    /// 409: taken already.
    #[error("this {0} is taken already; choose another")]
    Conflict(&'static str),
    /// 409: not in this state.
    #[error("{0}")]
    WrongState(String),
    /// 412: somebody else changed it meanwhile.
    #[error("{0}")]
    Outdated(String),
    /// 413.
    #[error("{0}")]
    BodyTooLarge(String),
    /// 415.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// 422: a value is not allowed.
    #[error("`{field}`: {detail}")]
    Invalid {
        /// Which value.
        field: &'static str,
        /// Why.
        detail: String,
    },
    /// 422 with a kind of its own, as enrollment has them.
    #[error("{detail}")]
    Refused {
        /// The kind.
        slug: &'static str,
        /// The kind in words.
        title: &'static str,
        /// What happened here.
        detail: String,
        /// More.
        more: Map<String, Value>,
    },
    /// 429.
    #[error("too many requests; try again in {retry_after_s} s")]
    TooMany {
        /// Seconds to wait.
        retry_after_s: u64,
    },
    /// 503.
    #[error("{detail}")]
    Unavailable {
        /// What is missing.
        detail: String,
        /// Seconds to wait.
        retry_after_s: u64,
    },
    /// 500: logged, not told.
    #[error("{0}")]
    Internal(String),
}

impl ApiError {
    /// Status, slug and title.
    fn kind(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, "bad-request", "The request cannot be read"),
            Self::NotSignedIn(_) => (StatusCode::UNAUTHORIZED, "not-signed-in", "Sign in first"),
            Self::WrongLogin => (StatusCode::UNAUTHORIZED, "wrong-login", "Wrong login name or password"),
            Self::DeviceRefused { slug, .. } => (StatusCode::UNAUTHORIZED, slug, "The device was refused"),
            Self::NotAllowed(_) => (StatusCode::FORBIDDEN, "not-allowed", "This account may not do that"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "not-found", "Not found"),
            Self::MethodNotAllowed(_) => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "This method is not for this path")
            }
            Self::TooSlow(_) => (StatusCode::REQUEST_TIMEOUT, "request-timeout", "The request took too long"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "taken", "Taken already"),
            Self::WrongState(_) => (StatusCode::CONFLICT, "wrong-state", "Not possible in this state"),
            Self::Outdated(_) => (StatusCode::PRECONDITION_FAILED, "outdated", "Changed meanwhile"),
            Self::BodyTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The request is too large"),
            Self::UnsupportedMediaType(_) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "This content type is not understood")
            }
            Self::Invalid { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid-value", "A value is not allowed"),
            Self::Refused { slug, title, .. } => (StatusCode::UNPROCESSABLE_ENTITY, slug, title),
            Self::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "Too many requests"),
            Self::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available now"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "The server failed"),
        }
    }

    const fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::TooMany { retry_after_s } | Self::Unavailable { retry_after_s, .. } => Some(*retry_after_s),
            _ => None,
        }
    }

    fn problem(&self) -> Problem {
        let (status, slug, title) = self.kind();
        let detail = match self {
            Self::Internal(_) => "The cause is in the server's log under this request's id.".to_owned(),
            other => other.to_string(),
        };
        let more = match self {
            Self::Refused { more, .. } => more.clone(),
            Self::Invalid { field, .. } => Map::from_iter([("field".to_owned(), Value::from(*field))]),
            _ => Map::new(),
        };
        Problem {
            kind: format!("{TYPE_PREFIX}{slug}"),
            title: title.into(),
            status: status.as_u16(),
            detail,
            instance: None,
            more,
        }
    }
}

/// The words of a problem within another answer, as in the results of several photos.
pub fn problem_value(slug: &str, title: &'static str, detail: String) -> Problem {
    let status = StatusCode::UNPROCESSABLE_ENTITY.as_u16();
    let kind = format!("{TYPE_PREFIX}{slug}");
    Problem { kind, title: title.into(), status, detail, instance: None, more: Map::new() }
}

/// The response carries its problem along, so that [`super::layers`] can add the request's id.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Internal(cause) = &self {
            tracing::error!(error = %cause, "a request failed: {cause}");
        }
        let problem = self.problem();
        let mut response = (self.kind().0, render(&problem)).into_response();
        if let Some(seconds) = self.retry_after_s() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if matches!(self, Self::NotSignedIn(_) | Self::WrongLogin) {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(problem);
        response
    }
}

/// The body of a problem.
pub fn render(problem: &Problem) -> impl IntoResponse + use<> {
    ([(CONTENT_TYPE, PROBLEM_JSON)], Json(problem.clone()).into_response().into_body())
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(what) => Self::Conflict(what),
            StoreError::NoSuch(what) => Self::NotFound(what),
            outdated @ StoreError::Outdated { .. } => {
                Self::Outdated(format!("{outdated}; read it again, and change that"))
            }
            other => Self::Internal(other.to_string()),
        }
    }
}
