//! Events as lists and the live feed want them.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, DoorId, EventId, PersonId, SiteId, StreamId, UnknownId};
use ostiary_common::time::UnixMillis;

use super::again::again;
use super::event_lists::narrow;
use super::statement::Statement;
use super::values::Flag;
use super::{SqlStore, columns, pictures};
use crate::domain::access::Reach;
use crate::domain::event::{AcceptedGap, EventFilter, EventTally, Ingest, Ingested, Page, StoredEvent, TimePage};
use crate::domain::judgement::Verdict;
use crate::ports::{EventStore, StoreError};

pub(super) const SELECT: &str =
    "SELECT e.cursor, e.device, e.site, e.door, e.stream, e.at, e.published_at, e.stored_at, e.record, e.has_crop,
    e.person AS whose, e.doubt, v.visitor, j.verdict, p.id AS person, p.name_sealed FROM events e
    LEFT JOIN unknown_visits v ON v.cursor = e.cursor
    LEFT JOIN judgements j ON j.event_id = e.event_id AND j.withdrawn_at IS NULL
    LEFT JOIN persons p ON p.id = e.person";

#[derive(sqlx::FromRow)]
pub(super) struct EventRow {
    pub(super) cursor: i64,
    device: Vec<u8>,
    site: Vec<u8>,
    door: Vec<u8>,
    stream: Vec<u8>,
    at: i64,
    published_at: Option<i64>,
    stored_at: i64,
    record: Vec<u8>,
    has_crop: Flag,
    whose: Option<Vec<u8>>,
    doubt: Option<f64>,
    visitor: Option<Vec<u8>>,
    verdict: Option<String>,
    person: Option<Vec<u8>>,
    name_sealed: Option<Vec<u8>>,
}

impl EventRow {
    /// Of whom the row brings the name, and the name as it lies in the store.
    pub(super) fn sealed_name(&self) -> Option<(&[u8], &[u8])> {
        Some((self.person.as_deref()?, self.name_sealed.as_deref()?))
    }

    /// With the names of the persons who are there.
    pub(super) fn open(self, names: &HashMap<PersonId, Arc<str>>) -> Result<StoredEvent, StoreError> {
        let row = self;
        let named = row.person.as_deref().map(|id| columns::id(PersonId, id)).transpose()?;
        Ok(StoredEvent {
            cursor: row.cursor,
            device: columns::id(DeviceId, &row.device)?,
            site: columns::id(SiteId, &row.site)?,
            door: columns::id(DoorId, &row.door)?,
            stream: columns::id(StreamId, &row.stream)?,
            at: UnixMillis(row.at),
            published_at: columns::time(row.published_at),
            stored_at: UnixMillis(row.stored_at),
            person: row.whose.as_deref().map(|id| columns::id(PersonId, id)).transpose()?,
            unknown: row.visitor.as_deref().map(|id| columns::id(UnknownId, id)).transpose()?,
            doubt: row.doubt.map(narrowed),
            verdict: row.verdict.as_deref().and_then(Verdict::parse),
            person_name: named.and_then(|id| names.get(&id)).map(|name| String::from(&**name)),
            record: pictures::record(&row.record)?,
            has_crop: row.has_crop.0,
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it was an f32 before the store widened it")]
const fn narrowed(column: f64) -> f32 {
    column as f32
}

pub(super) fn list(filter: &EventFilter, page: Page, limit: u32) -> Statement {
    let mut query = Statement::new(SELECT);
    query.push(" WHERE 1 = 1");
    filtered(&mut query, filter, page);
    paged(&mut query, page, limit);
    query
}

/// Adds ` AND …` for each thing the filter and the page ask.
pub(super) fn filtered(query: &mut Statement, filter: &EventFilter, page: Page) {
    match page {
        Page::Before(before) => query.push(" AND e.cursor < ").bind(before.unwrap_or(i64::MAX)),
        Page::After(after) => query.push(" AND e.cursor > ").bind(after),
    };
    narrow(query, filter);
}

/// Adds the order and the end of a page.
pub(super) fn paged(query: &mut Statement, page: Page, limit: u32) {
    query.push(match page {
        Page::Before(_) => " ORDER BY e.cursor DESC",
        Page::After(_) => " ORDER BY e.cursor",
    });
    query.limit(limit);
}

#[async_trait]
impl EventStore for SqlStore {
    async fn ingest(&self, ingest: &Ingest) -> Result<Ingested, StoreError> {
        let mut results = self.ingest_many(std::slice::from_ref(ingest)).await?;
        results.pop().expect("one batch gives one result")
    }

    async fn ingest_many(&self, batches: &[Ingest]) -> Result<Vec<Result<Ingested, StoreError>>, StoreError> {
        again(|| self.take_batches(batches)).await
    }

    async fn accept_gap(&self, device: DeviceId, stream: StreamId) -> Result<Option<AcceptedGap>, StoreError> {
        self.give_up_hole(device, stream).await
    }

    async fn events(&self, filter: &EventFilter, page: Page, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        self.open_events(list(filter, page, limit).query_as().fetch_all(&self.read).await?).await
    }

    async fn events_by_time(
        &self,
        reach: &Reach,
        filter: &EventFilter,
        page: TimePage,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.list_by_time(reach, filter, page, limit).await
    }

    async fn event_tally(&self, reach: &Reach, filter: &EventFilter) -> Result<Vec<EventTally>, StoreError> {
        self.tally(reach, filter).await
    }

    async fn event(&self, id: EventId) -> Result<Option<StoredEvent>, StoreError> {
        let mut query = Statement::new(SELECT);
        query.push(" WHERE e.event_id = ").bind(id.as_bytes().to_vec());
        let row: Option<EventRow> = query.query_as().fetch_optional(&self.read).await?;
        Ok(self.open_events(row.into_iter().collect()).await?.pop())
    }

    async fn crop(&self, id: EventId) -> Result<Option<Vec<u8>>, StoreError> {
        self.picture(&Reach::Everything, id).await
    }

    async fn newest_cursor(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("SELECT coalesce(max(cursor), 0) FROM events").fetch_one(&self.read).await?)
    }
}
