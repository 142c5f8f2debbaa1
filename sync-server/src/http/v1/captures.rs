//! Captures: frames come in, hints go out, and what was taken becomes templates.

pub mod cancel;
pub mod create;
pub mod finish;
pub mod frames;
pub mod picture;
pub mod read;
pub mod view;

use std::sync::Arc;

use ostiary_common::ids::CaptureId;

use super::persons::photos::{consented, desk_failed};
use crate::capture::{CaptureError, Held};
use crate::domain::access::Circle;
use crate::domain::access::may::PersonsManage;
use crate::http::auth::May;
use crate::http::problem::ApiError;

/// A capture of this caller, whose person the caller may still change.
async fn own(may: &May<PersonsManage>, id: CaptureId) -> Result<(Arc<Held>, Circle), ApiError> {
    let held = may.found(may.api.captures.of(id, may.caller.account), "capture")?;
    let circle = consented(may, held.person).await?;
    Ok((held, circle))
}

/// What a capture's refusals mean to a client.
pub(super) fn failed(error: CaptureError) -> ApiError {
    match error {
        CaptureError::TooMany => ApiError::Unavailable { detail: error.to_string(), retry_after_s: 30 },
        CaptureError::InWork | CaptureError::Over(_) => ApiError::WrongState(error.to_string()),
        CaptureError::NoSuchShot(_) => ApiError::Invalid { field: "shots", detail: error.to_string() },
        CaptureError::Desk(error) => desk_failed(error),
    }
}
