//! Enrolling at a door.

pub mod cancel;
pub mod create;
pub mod list;
pub mod read;
pub mod view;

use ostiary_common::ids::EnrollmentId;

use crate::domain::access::may::PersonsManage;
use crate::enroll::door::DoorStanding;
use crate::http::auth::May;
use crate::http::problem::ApiError;

/// An enrollment at a door within reach, of somebody the caller may change.
async fn own(may: &May<PersonsManage>, id: EnrollmentId) -> Result<DoorStanding, ApiError> {
    let standing = may.found(may.api.doors.standing(id).await?, "enrollment")?;
    may.device(standing.enrollment.device).await.map_err(as_enrollment)?;
    may.own_person(standing.enrollment.person).await.map_err(as_enrollment)?;
    Ok(standing)
}

/// What it is about is not told to whom it does not concern.
fn as_enrollment(error: ApiError) -> ApiError {
    match error {
        ApiError::NotFound(_) => ApiError::NotFound("enrollment"),
        other => other,
    }
}
