//! A page of unknown visitors.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use ostiary_common::ids::{DoorId, SiteId, UnknownId};
use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::view::UnknownView;
use crate::domain::access::may::EventsRead;
use crate::domain::unknown::{UnknownFilter, UnknownPosition, UnknownState};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::ValidQuery;
use crate::http::paging;
use crate::http::problem::ApiError;

/// Name of the list in cursors.
const LIST: &str = "unknowns";

/// Which unknown visitors, and which page of them.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// `open`, which is usual, or `dismissed`.
    #[garde(length(max = 20))]
    state: Option<String>,
    /// Seen at this door.
    #[garde(skip)]
    door: Option<Uuid>,
    /// Seen at doors of this site.
    #[garde(skip)]
    site: Option<Uuid>,
    /// Seen at least so often.
    #[garde(range(min = 1, max = 1_000_000))]
    #[param(minimum = 1)]
    visits: Option<u64>,
    /// Visitors of a page, 1 to 500.
    #[garde(range(min = 1, max = paging::MAX_LIMIT))]
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next` of another page of this list, with the same filters.
    #[garde(length(max = 300))]
    #[param(max_length = 300)]
    cursor: Option<String>,
}

/// A page of unknown visitors.
#[derive(Serialize, ToSchema)]
pub struct Unknowns {
    /// The visitors, the last seen first.
    items: Vec<UnknownView>,
    /// Pass it as `cursor` for the next page; absent on the last.
    next: Option<String>,
}

/// Unknown visitors, the last seen first, as far as they were seen at doors within reach.
#[utoipa::path(get, path = "/api/v1/unknowns", operation_id = "unknowns_list", tag = "unknowns",
    security(("bearer" = [])), params(Wanted),
    responses((status = 200, description = "The visitors", body = Unknowns)))]
#[tracing::instrument(name = "http.v1.unknowns.list", skip_all)]
pub async fn list(
    State(api): State<Api>,
    may: May<EventsRead>,
    ValidQuery(wanted): ValidQuery<Wanted>,
) -> Result<Json<Unknowns>, ApiError> {
    let limit = paging::limit(wanted.limit)?;
    let filter = wanted.filter()?;
    let about = format!("{filter:?}");
    let before = match &wanted.cursor {
        Some(cursor) => Some(position(api.cursors.open(LIST, &about, cursor)?)),
        None => None,
    };
    // One more than asked for tells whether there is another page.
    let mut found = api.store.unknowns_within(&may.reach, &filter, before, limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let last =
        found.last().filter(|_| more).map(|last| numbers(UnknownPosition { last_at: last.last_at, id: last.id }));
    Ok(Json(Unknowns {
        next: last.map(|place| api.cursors.seal(LIST, &about, place)),
        items: found.into_iter().map(UnknownView::from).collect(),
    }))
}

impl Wanted {
    fn filter(&self) -> Result<UnknownFilter, ApiError> {
        let state = self.state.as_deref().unwrap_or("open");
        let state = UnknownState::parse(state)
            .ok_or_else(|| ApiError::InvalidQuery { name: "state", detail: "must be open or dismissed".into() })?;
        Ok(UnknownFilter {
            state,
            door: self.door.map(DoorId),
            site: self.site.map(SiteId),
            least_visits: self.visits.unwrap_or(1),
        })
    }
}

/// A position as a cursor carries it: the time, and the two halves of the id.
fn numbers(UnknownPosition { last_at, id }: UnknownPosition) -> [i64; 3] {
    let (high, low) = id.0.as_u64_pair();
    [last_at.0, high.cast_signed(), low.cast_signed()]
}

fn position([last_at, high, low]: [i64; 3]) -> UnknownPosition {
    let id = Uuid::from_u64_pair(high.cast_unsigned(), low.cast_unsigned());
    UnknownPosition { last_at: UnixMillis(last_at), id: UnknownId(id) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_come_back() {
        let place = UnknownPosition { last_at: UnixMillis(7), id: UnknownId(Uuid::from_u128(u128::MAX - 5)) };
        assert_eq!(position(numbers(place)), place);
    }
}
