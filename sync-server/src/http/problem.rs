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
/// A database that is away is back no sooner, as a rule.
const AWAY_S: u64 = 5;
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

/// One value that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    place: FieldPlace,
    detail: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum FieldPlace {
    /// JSON pointer (RFC 6901) into the body.
    Body(String),
    /// Name of a parameter of the query string.
    Query(String),
}

impl FieldError {
    /// In the body; `path` as in `groups[3].name`, empty for the whole.
    pub fn of_body(path: &str, detail: String) -> Self {
        Self { place: FieldPlace::Body(pointer(path)), detail }
    }

    /// In the query string.
    pub fn of_query(name: &str, detail: String) -> Self {
        Self { place: FieldPlace::Query(name.to_owned()), detail }
    }

    /// As programs of before `errors` know it: the parameter, or the value of the body without its first slash.
    fn name(&self) -> &str {
        match &self.place {
            FieldPlace::Body(pointer) => pointer.trim_start_matches('/'),
            FieldPlace::Query(name) => name,
        }
    }

    fn to_json(&self) -> Value {
        match &self.place {
            FieldPlace::Body(pointer) => serde_json::json!({ "pointer": pointer, "detail": self.detail }),
            FieldPlace::Query(name) => serde_json::json!({ "parameter": name, "detail": self.detail }),
        }
    }
}

/// `groups[3].name` as a JSON pointer: `/groups/3/name`.
fn pointer(path: &str) -> String {
    let path = path.trim_start_matches('.').replace('[', ".").replace(']', "");
    if path.is_empty() { path } else { format!("/{}", path.replace('~', "~0").replace('/', "~1").replace('.', "/")) }
}

fn in_words(fields: &[FieldError]) -> String {
    let word = |field: &FieldError| match &field.place {
        FieldPlace::Body(pointer) => format!("`{}`: {}", pointer.trim_start_matches('/'), field.detail),
        FieldPlace::Query(name) => format!("`{name}`: {}", field.detail),
    };
    fields.iter().map(word).collect::<Vec<_>>().join("; ")
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
    /// 400 or 422: a value of the query string is not allowed.
    #[error("`{name}`: {detail}")]
    InvalidQuery {
        /// Which value.
        name: &'static str,
        /// Why.
        detail: String,
    },
    /// 422: values of the body or the query string are not allowed.
    #[error("{}", in_words(.0))]
    InvalidFields(Vec<FieldError>),
    /// 409: other things hang on it.
    #[error("{detail}")]
    InUse {
        /// What hangs on it, and what to do.
        detail: String,
        /// How many of each.
        counts: Map<String, Value>,
    },
    /// 409: a request with this `Idempotency-Key` is being worked on.
    #[error("a request with this Idempotency-Key is being worked on; send it again later")]
    InProgress,
    /// 409: a request with this `Idempotency-Key` was carried out, or may have been, and its answer is not there.
    #[error("{0}")]
    AnswerGone(&'static str),
    /// 422: the `Idempotency-Key` came with another request before.
    #[error("this Idempotency-Key came with another request before; take a new key for each thing to be made")]
    KeyReused,
    /// 428: the change must say against what it was made.
    #[error("send `If-Match` with the ETag of what you read, so that nobody's change is lost; `*` if you mean to")]
    VersionRequired,
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
            Self::InUse { .. } => (StatusCode::CONFLICT, "in-use", "Other things hang on it"),
            Self::InProgress => (StatusCode::CONFLICT, "in-progress", "Being worked on"),
            Self::AnswerGone(_) => (StatusCode::CONFLICT, "answer-gone", "Done or not, the answer is not there"),
            Self::VersionRequired => {
                (StatusCode::PRECONDITION_REQUIRED, "version-required", "Say what the change was made against")
            }
            Self::KeyReused => {
                (StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", "The key came with another request")
            }
            Self::InvalidQuery { .. } | Self::InvalidFields(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid-value", "A value is not allowed")
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
            Self::InProgress => Some(1),
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
            Self::InUse { counts, .. } => Map::from_iter([("counts".to_owned(), Value::from(counts.clone()))]),
            Self::Invalid { field, detail } => named(field, errors(&[FieldError::of_body(field, detail.clone())])),
            Self::InvalidQuery { name, detail } => named(name, errors(&[FieldError::of_query(name, detail.clone())])),
            Self::InvalidFields(fields) => {
                let first = fields.first().map(FieldError::name).filter(|name| !name.is_empty());
                first.map_or_else(|| errors(fields), |name| named(name, errors(fields)))
            }
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

/// The member `errors`: each value that is not allowed, where it stands and why.
fn errors(fields: &[FieldError]) -> Map<String, Value> {
    Map::from_iter([("errors".to_owned(), fields.iter().map(FieldError::to_json).collect())])
}

/// Where there is one wrong value, its bare name stands beside `errors`.
fn named(field: &str, mut more: Map<String, Value>) -> Map<String, Value> {
    more.insert("field".to_owned(), field.to_owned().into());
    more
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
            last @ StoreError::LastOwner => Self::WrongState(last.to_string()),
            StoreError::NoSuch(what) => Self::NotFound(what),
            outdated @ StoreError::Outdated { .. } => {
                Self::Outdated(format!("{outdated}; read it again, and change that"))
            }
            StoreError::BrokenOff(error) => {
                tracing::warn!(%error, "the database broke a change off: {error}");
                let detail = "the database broke this off for the sake of other work; nothing was done".to_owned();
                Self::Unavailable { detail, retry_after_s: 1 }
            }
            StoreError::Away(error) => {
                tracing::warn!(%error, "the database cannot be reached: {error}");
                let detail = "the database cannot be reached; try again, a change with the same Idempotency-Key".into();
                Self::Unavailable { detail, retry_after_s: AWAY_S }
            }
            other => Self::Internal(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_pointer() {
        let check = |path: &str, expected: &str| assert_eq!(pointer(path), expected, "{path}");
        check("", "");
        check(".", "");
        check("name", "/name");
        check("groups[3]", "/groups/3");
        check("fields[0].choices[12]", "/fields/0/choices/12");
        check("a/b~c", "/a~1b~0c");
    }
}
