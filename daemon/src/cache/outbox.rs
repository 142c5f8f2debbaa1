//! The outbox on disk: events in order of their number, pictures beside them so that those can go first
//! when space is short.

mod ledger;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ostiary_common::ids::{EventId, StreamId};
use ostiary_common::wire::{DeviceReport, EventRecord, EventTime, VisitReport};
use serde_bytes::ByteBuf;

use super::CacheError;
use super::shelf::{Shelf, ShelfBatch};
use ledger::{Head, Ledger, Sizes};

const HEAD: &[u8] = b"head";

/// Disk space, bytes.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Events and pictures together.
    pub total_bytes: u64,
    /// Pictures.
    pub media_bytes: u64,
}

/// An event before it has its number.
#[derive(Clone, Debug, PartialEq)]
pub struct EventDraft {
    /// The key of deduplication.
    pub id: EventId,
    /// When.
    pub time: EventTime,
    /// What a camera saw.
    pub visit: Option<VisitReport>,
    /// What the device says of itself.
    pub report: Option<DeviceReport>,
}

/// What had to go to make room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Pictures.
    pub media: u64,
    /// Whole events.
    pub events: u64,
    /// The highest number among them; 0 for none.
    pub upto_seq: u64,
}

/// Events that wait for the server; clones share them.
#[derive(Clone)]
pub struct OutboxShelf {
    events: Shelf,
    media: Shelf,
    budget: Budget,
    state: Arc<Mutex<Ledger>>,
}

impl std::fmt::Debug for OutboxShelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OutboxShelf({} waiting)", self.len())
    }
}

impl OutboxShelf {
    /// Reads and verifies everything; a new outbox gets a new stream.
    pub(super) fn load(events: Shelf, media: Shelf, budget: Budget) -> Result<Self, CacheError> {
        let stored = events.get::<Head>(HEAD)?;
        let head = stored.unwrap_or_else(|| Head { stream: StreamId::generate(), next_seq: 1, base: 0 });
        let mut state = Ledger { head, rows: BTreeMap::new(), event_bytes: 0, media_bytes: 0 };
        for row in events.rows::<EventRecord>() {
            let row = row?;
            let Some(seq) = seq_of(&row.key) else { continue };
            row.value?;
            state.insert(seq, Sizes { event: row.size_bytes, media: 0 });
        }
        for row in media.rows::<ByteBuf>() {
            let row = row?;
            row.value?;
            match seq_of(&row.key).filter(|seq| state.rows.contains_key(seq)) {
                Some(seq) => state.add_media(seq, row.size_bytes),
                None => remove(&media, &[row.key])?,
            }
        }
        state.check()?;
        if stored.is_none() {
            events.put(HEAD, &head)?;
            events.flush()?;
        }
        Ok(Self { events, media, budget, state: Arc::new(Mutex::new(state)) })
    }

    /// Every event that can still be read, whatever else is damaged; with its picture if that can be read.
    pub(super) fn salvage(events: &Shelf, media: &Shelf) -> Vec<EventDraft> {
        let readable = events.rows::<EventRecord>().map_while(Result::ok).filter_map(|row| {
            let key = row.key;
            row.value.ok().map(|record| with_media(media, &key, record))
        });
        readable.map(|r| EventDraft { id: r.id, time: r.time, visit: r.visit, report: r.report }).collect()
    }

    /// The life these numbers count in.
    pub fn stream(&self) -> StreamId {
        self.state().head.stream
    }

    /// The last number given; 0 for none yet.
    pub fn last_seq(&self) -> u64 {
        self.state().head.last()
    }

    /// The first number still here; one past the last if there is none.
    pub fn first_seq(&self) -> u64 {
        let state = self.state();
        state.rows.keys().next().copied().unwrap_or(state.head.next_seq) - state.head.base
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.state().rows.len()
    }

    /// Bytes used by events and pictures.
    pub fn size_bytes(&self) -> u64 {
        let state = self.state();
        state.event_bytes + state.media_bytes
    }

    /// Gives an event its number and makes it durable.
    ///
    /// # Errors
    /// [`CacheError`] if it could not be made durable.
    pub fn append(&self, draft: EventDraft) -> Result<(u64, Dropped), CacheError> {
        let mut state = self.state();
        let key = state.head.next_seq;
        let head = Head { next_seq: key + 1, ..state.head };
        let seq = key - head.base;
        let (record, crop) = split(draft, seq);
        let mut media_bytes = 0;
        if let Some(crop) = &crop {
            let mut batch = ShelfBatch::default();
            media_bytes = self.media.stage(&mut batch, &key.to_be_bytes(), crop)?;
            self.media.apply(batch)?;
        }
        let mut batch = ShelfBatch::default();
        let event_bytes = self.events.stage(&mut batch, &key.to_be_bytes(), &record)?;
        self.events.stage(&mut batch, HEAD, &head)?;
        self.events.apply(batch)?;
        state.head = head;
        state.insert(key, Sizes { event: event_bytes, media: media_bytes });
        let dropped = self.make_room(&mut state, key)?;
        self.events.flush()?;
        Ok((seq, dropped))
    }

    /// Writes the time an event took to become durable into it, once that is known. Not flushed: if it is
    /// lost, the event stands without it.
    ///
    /// # Errors
    /// [`CacheError`] if it cannot be written.
    pub fn set_durable_ms(&self, seq: u64, elapsed_ms: u32) -> Result<(), CacheError> {
        let state = self.state();
        let key = (seq + state.head.base).to_be_bytes();
        let Some(mut record) = self.events.get::<EventRecord>(&key)? else { return Ok(()) };
        let Some(visit) = record.visit.as_mut() else { return Ok(()) };
        visit.latency.decision_to_durable_ms = elapsed_ms;
        self.events.put(&key, &record)?;
        drop(state);
        Ok(())
    }

    /// Events from the first at or after `from`, without gaps, at most `max_events` and about `max_bytes`,
    /// at least one if there is one.
    ///
    /// # Errors
    /// [`CacheError`] if one cannot be read.
    pub fn batch(&self, from: u64, max_events: usize, max_bytes: u64) -> Result<Vec<EventRecord>, CacheError> {
        let state = self.state();
        let (mut batch, mut used_bytes): (Vec<EventRecord>, u64) = (Vec::new(), 0);
        let base = state.head.base;
        for (&key, sizes) in state.rows.range(from.saturating_add(base)..).take(max_events) {
            used_bytes += sizes.event + sizes.media;
            let seq = key - base;
            let gap = batch.last().is_some_and(|last| last.seq + 1 != seq);
            if gap || (!batch.is_empty() && used_bytes > max_bytes) {
                break;
            }
            let key = key.to_be_bytes();
            let Some(record) = self.events.get::<EventRecord>(&key)? else { break };
            batch.push(EventRecord { seq, ..with_media(&self.media, &key, record) });
        }
        Ok(batch)
    }

    /// Removes everything up to and including `upto`, which the server has stored. Needs no flush: what
    /// comes back after a power cut is sent again, and the server knows it.
    ///
    /// # Errors
    /// [`CacheError`] if it cannot be removed.
    pub fn delete_upto(&self, upto: u64) -> Result<(), CacheError> {
        let mut state = self.state();
        let upto = upto.saturating_add(state.head.base);
        let gone: Vec<u64> = state.rows.range(..=upto).map(|(&seq, _)| seq).collect();
        let keys: Vec<Vec<u8>> = gone.iter().map(|seq| seq.to_be_bytes().to_vec()).collect();
        remove(&self.media, &keys)?;
        remove(&self.events, &keys)?;
        for seq in gone {
            state.remove(seq);
        }
        Ok(())
    }

    /// Begins a new stream: events that wait keep their ids and order, and are numbered from 1.
    ///
    /// # Errors
    /// [`CacheError`] if it cannot be made durable; then the old stream goes on.
    pub fn begin_stream(&self, stream: StreamId) -> Result<(), CacheError> {
        let mut state = self.state();
        let first = state.rows.keys().next().copied().unwrap_or(state.head.next_seq);
        let head = Head { stream, base: first - 1, ..state.head };
        self.events.put(HEAD, &head)?;
        self.events.flush()?;
        state.head = head;
        Ok(())
    }

    /// Oldest pictures first, events last, but never the event just added.
    fn make_room(&self, state: &mut Ledger, newest: u64) -> Result<Dropped, CacheError> {
        let mut dropped = Dropped::default();
        let (mut media, mut events) = (Vec::new(), Vec::new());
        while state.media_bytes > self.budget.media_bytes || state.total() > self.budget.total_bytes {
            let Some(seq) = state.rows.iter().find(|(_, sizes)| sizes.media > 0).map(|(&seq, _)| seq) else { break };
            state.drop_media(seq);
            media.push(seq.to_be_bytes().to_vec());
            dropped.media += 1;
        }
        while state.total() > self.budget.total_bytes {
            let Some(seq) = state.rows.keys().next().copied().filter(|&seq| seq != newest) else { break };
            state.remove(seq);
            events.push(seq.to_be_bytes().to_vec());
            dropped.events += 1;
            dropped.upto_seq = seq.saturating_sub(state.head.base);
        }
        remove(&self.media, &media)?;
        remove(&self.events, &events)?;
        Ok(dropped)
    }

    fn state(&self) -> MutexGuard<'_, Ledger> {
        // The state changes only after the tree has, so a panic in between leaves it merely behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn split(draft: EventDraft, seq: u64) -> (EventRecord, Option<ByteBuf>) {
    let EventDraft { id, time, mut visit, report } = draft;
    let crop = visit.as_mut().and_then(|visit| visit.crop_jpeg.take());
    (EventRecord { id, seq, time, visit, report }, crop)
}

fn with_media(media: &Shelf, key: &[u8], mut record: EventRecord) -> EventRecord {
    if let (Some(visit), Ok(crop)) = (record.visit.as_mut(), media.get::<ByteBuf>(key)) {
        visit.crop_jpeg = crop;
    }
    record
}

fn remove(shelf: &Shelf, keys: &[Vec<u8>]) -> Result<(), CacheError> {
    if keys.is_empty() {
        return Ok(());
    }
    let mut batch = ShelfBatch::default();
    keys.iter().for_each(|key| Shelf::stage_removal(&mut batch, key));
    shelf.apply(batch)
}

fn seq_of(key: &[u8]) -> Option<u64> {
    key.try_into().ok().map(u64::from_be_bytes)
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
pub(super) mod tests;
