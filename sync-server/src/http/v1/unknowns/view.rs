//! An unknown visitor as the API shows one.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::unknown::Unknown;

/// Somebody nobody knows, seen once or more.
#[derive(Serialize, ToSchema)]
pub struct UnknownView {
    /// Id. It stays while visits come and go; where a visitor turns out to be another, it leads to that one.
    id: Uuid,
    /// `open`, or `dismissed`: known to be of no interest.
    #[schema(value_type = String)]
    state: &'static str,
    /// Rises with every change by hand.
    version: u64,
    /// Visits that are still kept, at doors within reach; they are listed by `/api/v1/events?unknown={id}`.
    visits: u64,
    /// The first of them.
    first_seen: String,
    /// The last of them.
    last_seen: String,
    /// The doors, the most visited first.
    doors: Vec<DoorVisits>,
    /// The event with the best picture, at `/api/v1/events/{id}/crop`; absent if none has one.
    best_shot: Option<Uuid>,
}

/// How often somebody was at a door.
#[derive(Serialize, ToSchema)]
struct DoorVisits {
    /// The door.
    door: Uuid,
    /// Visits.
    visits: u64,
}

impl From<Unknown> for UnknownView {
    fn from(unknown: Unknown) -> Self {
        Self {
            id: unknown.id.0,
            state: unknown.state.as_str(),
            version: unknown.version,
            visits: unknown.visits,
            first_seen: unknown.first_at.to_rfc3339(),
            last_seen: unknown.last_at.to_rfc3339(),
            doors: unknown.doors.into_iter().map(|(door, visits)| DoorVisits { door: door.0, visits }).collect(),
            best_shot: unknown.best_shot.map(|event| event.0),
        }
    }
}
