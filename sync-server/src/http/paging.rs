//! Pages of lists.

use super::problem::ApiError;

/// Items of a page if none are asked for.
pub const DEFAULT_LIMIT: u32 = 50;
/// The most items of a page.
pub const MAX_LIMIT: u32 = 500;

/// A page size within bounds.
///
/// # Errors
/// [`ApiError::InvalidQuery`] for 0 or more than [`MAX_LIMIT`].
pub fn limit(asked: Option<u32>) -> Result<u32, ApiError> {
    match asked.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        other => {
            Err(ApiError::InvalidQuery { name: "limit", detail: format!("must be 1 to {MAX_LIMIT}, not {other}") })
        }
    }
}
