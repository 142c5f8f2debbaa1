//! When and by which groups a person may be known, as sent.

use ostiary_common::ids::GroupId;
use ostiary_common::time::UnixMillis;
use uuid::Uuid;

use crate::domain::gallery::Validity;
use crate::http::problem::ApiError;

/// Groups of one person.
const MOST_GROUPS: usize = 100;

/// A span of validity as sent, checked.
pub(in crate::http::v1) fn validity(from: Option<UnixMillis>, until: Option<UnixMillis>) -> Result<Validity, ApiError> {
    Validity::parse(from, until).map_err(|e| ApiError::Invalid { field: "valid_until", detail: e.to_string() })
}

/// Groups as sent, checked.
pub(in crate::http::v1) fn groups(ids: &[Uuid]) -> Result<Vec<GroupId>, ApiError> {
    if ids.len() > MOST_GROUPS {
        let detail = format!("at most {MOST_GROUPS}, not {}", ids.len());
        return Err(ApiError::Invalid { field: "groups", detail });
    }
    Ok(ids.iter().copied().map(GroupId).collect())
}
