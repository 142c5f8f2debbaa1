//! Events within a reach: by the site and door they were stored at.
//!
//! A page is read place by place, each by its index, so that one door's few events are found among many.

use ostiary_common::ids::EventId;

use super::conditions::within;
use crate::domain::access::Reach;
use crate::domain::event::{EventFilter, Page, StoredEvent};
use crate::ports::{EventStore, StoreError};
use crate::store::sql::SqlStore;
use crate::store::sql::events::{EventRow, SELECT, filtered, paged};
use crate::store::sql::statement::Statement;

/// Places of one statement: databases bound the parts of a compound.
const AT_ONCE: usize = 100;

/// A site or a door: the column, and the id.
type Place = (&'static str, Vec<u8>);

impl SqlStore {
    pub(super) async fn events_of(
        &self,
        reach: &Reach,
        filter: &EventFilter,
        page: Page,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let Some(places) = places(reach) else { return self.events(filter, page, limit).await };
        let mut rows: Vec<EventRow> = Vec::new();
        for some in places.chunks(AT_ONCE) {
            rows.extend(at(some, filter, page, limit).query_as::<EventRow>().fetch_all(&self.read).await?);
        }
        rows.sort_unstable_by_key(|row| match page {
            Page::Before(_) => -row.cursor,
            Page::After(_) => row.cursor,
        });
        rows.dedup_by_key(|row| row.cursor);
        rows.truncate(limit as usize);
        self.open_events(rows).await
    }

    pub(in crate::store::sql) async fn event_of(
        &self,
        reach: &Reach,
        id: EventId,
    ) -> Result<Option<StoredEvent>, StoreError> {
        let mut statement = Statement::new(SELECT);
        statement.push(" WHERE e.event_id = ").bind(id.as_bytes().to_vec());
        within(&mut statement, reach, "e.site", "e.door");
        let row: Option<EventRow> = statement.query_as().fetch_optional(&self.read).await?;
        Ok(self.open_events(row.into_iter().collect()).await?.pop())
    }
}

/// The places of a reach; `None` if it is everything.
fn places(reach: &Reach) -> Option<Vec<Place>> {
    let Reach::Within { sites, doors } = reach else { return None };
    let sites = sites.iter().map(|site| ("e.site", site.as_bytes().to_vec()));
    Some(sites.chain(doors.iter().map(|door| ("e.door", door.as_bytes().to_vec()))).collect())
}

/// The next events at these places.
fn at(places: &[Place], filter: &EventFilter, page: Page, limit: u32) -> Statement {
    let mut statement = Statement::new(SELECT);
    statement.push(" WHERE e.cursor IN (");
    for (number, (column, id)) in places.iter().enumerate() {
        statement.push(if number == 0 { "" } else { " UNION " });
        statement.push("SELECT cursor FROM (SELECT e.cursor FROM events e WHERE ");
        statement.push(column).push(" = ").bind(id.clone());
        filtered(&mut statement, filter, page);
        paged(&mut statement, page, limit);
        statement.push(&format!(") AS part{number}"));
    }
    statement.push(")");
    paged(&mut statement, page, limit);
    statement
}
