//! Shares and similarities as sent, checked.

use crate::domain::recognition::{Share, Similarity};
use crate::http::api::Api;
use crate::http::problem::ApiError;
use crate::recognition::NOT_CALIBRATED;

/// A share above 0 and below 1.
///
/// # Errors
/// [`ApiError::Invalid`] naming the field.
pub fn share(field: &'static str, value: Option<f32>) -> Result<Option<Share>, ApiError> {
    let invalid = |e: crate::domain::recognition::InvalidShare| ApiError::Invalid { field, detail: e.to_string() };
    value.map(Share::parse).transpose().map_err(invalid)
}

/// A similarity, 0 to 1.
///
/// # Errors
/// [`ApiError::Invalid`] naming the field.
pub fn similarity(field: &'static str, value: Option<f32>) -> Result<Option<Similarity>, ApiError> {
    let invalid = |e: crate::domain::recognition::InvalidSimilarity| ApiError::Invalid { field, detail: e.to_string() };
    value.map(Similarity::parse).transpose().map_err(invalid)
}

/// A target nothing follows from must not look as if it held.
///
/// # Errors
/// `pack-not-calibrated` if a target is asked of a pack without calibration.
pub fn derivable(api: &Api, target: Option<f32>) -> Result<(), ApiError> {
    if target.is_none() || api.recognition.is_calibrated() {
        return Ok(());
    }
    Err(ApiError::Refused {
        slug: "pack-not-calibrated",
        title: "The model pack is not calibrated",
        detail: NOT_CALIBRATED.into(),
        more: serde_json::Map::new(),
    })
}
