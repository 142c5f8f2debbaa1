//! Answers that are long: JSON written into one piece of memory that is large enough from the start.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::problem::ApiError;

/// As long as a page of a list is as a rule.
const PAGE_BYTES: usize = 32 * 1024;

/// A body as JSON. axum's own grows from 128 bytes on, and is written to in more, smaller steps.
pub struct LongJson<T>(pub T);

impl<T: Serialize> IntoResponse for LongJson<T> {
    fn into_response(self) -> Response {
        let mut json = Vec::with_capacity(PAGE_BYTES);
        match serde_json::to_writer(&mut json, &self.0) {
            Ok(()) => ([(CONTENT_TYPE, "application/json")], json).into_response(),
            Err(error) => ApiError::Internal(format!("an answer has no JSON form: {error}")).into_response(),
        }
    }
}
