//! What devices reported: taking it in, and reading it.

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, EventId, StreamId};

use super::StoreError;
use crate::domain::access::Reach;
use crate::domain::event::{AcceptedGap, EventFilter, EventTally, Ingest, Ingested, Page, StoredEvent, TimePage};

/// Events.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Stores what is new of a batch in one transaction; deduplicates by `(device, event id)`; keeps track of
    /// holes per stream.
    async fn ingest(&self, ingest: &Ingest) -> Result<Ingested, StoreError>;
    /// The same for several batches in one transaction, so that many devices share one flush of the disk. One
    /// result per batch, in order: a batch of an unknown device fails alone. An error of the whole means that
    /// nothing was stored.
    async fn ingest_many(&self, batches: &[Ingest]) -> Result<Vec<Result<Ingested, StoreError>>, StoreError>;
    /// Gives up on the first hole of a stream, after the device was asked for it often enough. `None` if
    /// there is no hole.
    async fn accept_gap(&self, device: DeviceId, stream: StreamId) -> Result<Option<AcceptedGap>, StoreError>;
    /// A page of events.
    async fn events(&self, filter: &EventFilter, page: Page, limit: u32) -> Result<Vec<StoredEvent>, StoreError>;
    /// A page of events within a reach by the time they happened.
    async fn events_by_time(
        &self,
        reach: &Reach,
        filter: &EventFilter,
        page: TimePage,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError>;
    /// How many events there were within a reach, by quarters of an hour and kinds, in order of time; the filter must have
    /// both ends.
    async fn event_tally(&self, reach: &Reach, filter: &EventFilter) -> Result<Vec<EventTally>, StoreError>;
    /// One event.
    async fn event(&self, id: EventId) -> Result<Option<StoredEvent>, StoreError>;
    /// The JPEG sent with an event.
    async fn crop(&self, id: EventId) -> Result<Option<Vec<u8>>, StoreError>;
    /// The newest committed cursor, 0 if there is none.
    async fn newest_cursor(&self) -> Result<i64, StoreError>;
}
