//! The outbox on disk: an append-only log of events beside the sled cache, because sled's flush does not reach the disk
//! (ADR 0016). Events have a key for life; their number in the present stream is the key less the stream's base.
//!
//! Start reading at [`OutboxShelf::append_all`]; then `log`, which writes and forgets, and `room`, which decides what
//! goes when space is short.

mod frame;
mod log;
mod open;
mod read;
mod room;
mod segment;
mod volume;
mod writer;

#[cfg(test)]
mod cut_tests;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ostiary_common::ids::{EventId, StreamId};
use ostiary_common::seal::SealKey;
use ostiary_common::wire::{DeviceReport, EventRecord, EventTime, VisitReport};

use super::CacheError;
use log::{FRAME_EVENTS, Log, Sizes};
use open::{OpenedLog, open};
use volume::{Folder, Memory, Volume};

pub(super) use open::OpenError;

/// Events whose time to become durable is remembered until they are sent.
const TIMES_KEPT: usize = 1024;
/// Memory for events where no disk takes them.
const MEMORY_BUDGET: Budget = Budget { total_bytes: 8 << 20, media_bytes: 4 << 20 };

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

impl EventDraft {
    /// The event with its number.
    pub fn numbered(self, seq: u64) -> EventRecord {
        let Self { id, time, visit, report } = self;
        EventRecord { id, seq, time, visit, report }
    }
}

impl From<EventRecord> for EventDraft {
    fn from(EventRecord { id, time, visit, report, .. }: EventRecord) -> Self {
        Self { id, time, visit, report }
    }
}

/// What had to go to make room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Pictures.
    pub media: u64,
    /// Words of reports the device made of itself.
    pub reports: u64,
    /// Whole events.
    pub events: u64,
    /// The highest number among them; 0 for none.
    pub upto_seq: u64,
}

impl std::ops::AddAssign for Dropped {
    fn add_assign(&mut self, other: Self) {
        self.media += other.media;
        self.reports += other.reports;
        self.events += other.events;
        self.upto_seq = self.upto_seq.max(other.upto_seq);
    }
}

/// An opened outbox, and what was wrong with it.
pub(super) struct OpenedOutbox {
    pub outbox: OutboxShelf,
    pub damage: Vec<String>,
    pub salvaged: usize,
}

/// Events that wait for the server; clones share them.
#[derive(Clone)]
pub struct OutboxShelf {
    budget: Budget,
    state: Arc<Mutex<State>>,
}

struct State {
    log: Log,
    /// Milliseconds from decision to disk, by key: known only once the event is written.
    durable_ms: BTreeMap<u64, u32>,
}

impl std::fmt::Debug for OutboxShelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OutboxShelf({} waiting)", self.len())
    }
}

impl OutboxShelf {
    /// Opens the outbox in a folder, or makes one with a new stream.
    ///
    /// # Errors
    /// [`OpenError`].
    pub(super) fn open(folder: &Path, key: &SealKey, budget: Budget) -> Result<OpenedOutbox, OpenError> {
        Self::open_in(Arc::new(Folder::open(folder)?), key, budget)
    }

    /// An outbox that is gone with the program, for a disk that takes no writes.
    ///
    /// # Errors
    /// [`OpenError`].
    pub(super) fn in_memory(key: &SealKey) -> Result<Self, OpenError> {
        Ok(Self::open_in(Arc::new(Memory::default()), key, MEMORY_BUDGET)?.outbox)
    }

    fn open_in(volume: Arc<dyn Volume>, key: &SealKey, budget: Budget) -> Result<OpenedOutbox, OpenError> {
        let OpenedLog { log, damage, salvaged } = open(volume, key, Sizes::for_budget(budget.total_bytes))?;
        log.keep_reserve();
        let outbox = Self { budget, state: Arc::new(Mutex::new(State { log, durable_ms: BTreeMap::new() })) };
        let count = salvaged.len();
        outbox.append_all(&salvaged).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(OpenedOutbox { outbox, damage, salvaged: count })
    }

    /// The life these numbers count in.
    pub fn stream(&self) -> StreamId {
        self.state().log.stream
    }

    /// The last number given; 0 for none yet.
    pub fn last_seq(&self) -> u64 {
        let log = &self.state().log;
        log.next_key - 1 - log.base
    }

    /// The first number still here; one past the last if there is none.
    pub fn first_seq(&self) -> u64 {
        let log = &self.state().log;
        log.first_key() - log.base
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        let log = &self.state().log;
        usize::try_from(log.next_key - log.first_key()).unwrap_or(usize::MAX)
    }

    /// Bytes its files take.
    pub fn size_bytes(&self) -> u64 {
        self.state().log.file_bytes()
    }

    /// Bytes written to its files since the start.
    pub fn written_bytes(&self) -> u64 {
        self.state().log.written_bytes
    }

    /// Gives an event its number and makes it durable.
    ///
    /// # Errors
    /// As [`OutboxShelf::append_all`].
    pub fn append(&self, draft: EventDraft) -> Result<(u64, Dropped), CacheError> {
        let (last, dropped) = self.append_all(&[draft])?;
        Ok((last, dropped))
    }

    /// Gives events their numbers and makes them durable together, with one flush for up to 64 of them; returns the
    /// number of the last.
    ///
    /// # Errors
    /// [`CacheError`] if one of them could not be made durable; those after it are not, those before it are.
    pub fn append_all(&self, drafts: &[EventDraft]) -> Result<(u64, Dropped), CacheError> {
        let mut state = self.state();
        let log = &mut state.log;
        let mut dropped = Dropped::default();
        for part in drafts.chunks(FRAME_EVENTS) {
            append_relieved(log, part, &mut dropped)?;
            // What is over the budget now is tried again with the next event.
            if let Err(error) = log.keep_to(self.budget, &mut dropped) {
                tracing::warn!(%error, "cannot make room in the outbox");
            }
        }
        Ok((log.next_key - 1 - log.base, dropped))
    }

    /// Gives up the oldest events for new ones, where the disk is full and nothing else can go.
    pub fn drop_oldest(&self) -> Dropped {
        let mut dropped = Dropped::default();
        self.state().log.drop_oldest(&mut dropped);
        dropped
    }

    /// Keeps the time an event took to become durable until it is sent; after a restart it stands without it.
    pub fn set_durable_ms(&self, seq: u64, elapsed_ms: u32) {
        let mut state = self.state();
        let key = seq + state.log.base;
        state.durable_ms.insert(key, elapsed_ms);
        while state.durable_ms.len() > TIMES_KEPT {
            state.durable_ms.pop_first();
        }
    }

    /// Events from the first at or after `from`, without gaps, at most `max_events` and about `max_bytes`,
    /// at least one if there is one.
    ///
    /// # Errors
    /// [`CacheError`] if the disk gives nothing back.
    pub fn batch(&self, from: u64, max_events: usize, max_bytes: u64) -> Result<Vec<EventRecord>, CacheError> {
        let mut state = self.state();
        let base = state.log.base;
        let mut batch = state.log.batch(from.saturating_add(base), max_events, max_bytes)?;
        for record in &mut batch {
            if let (Some(ms), Some(visit)) = (state.durable_ms.get(&record.seq), record.visit.as_mut()) {
                visit.latency.decision_to_durable_ms = *ms;
            }
            record.seq -= base;
        }
        Ok(batch)
    }

    /// Removes everything up to and including `upto`, which the server has stored. Needs no flush: what
    /// comes back after a power cut is sent again, and the server knows it.
    ///
    /// # Errors
    /// None at present.
    pub fn delete_upto(&self, upto: u64) -> Result<(), CacheError> {
        let mut state = self.state();
        let key = upto.saturating_add(state.log.base);
        state.log.acknowledge(key);
        let first = state.log.first_key();
        state.durable_ms = state.durable_ms.split_off(&first);
        Ok(())
    }

    /// Begins a new stream: events that wait keep their ids and order, and are numbered from 1.
    ///
    /// # Errors
    /// [`CacheError`] if it cannot be made durable; then the old stream goes on.
    pub fn begin_stream(&self, stream: StreamId) -> Result<(), CacheError> {
        Ok(self.state().log.begin_stream(stream)?)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What the log knows changes only after the disk has, so a panic in between leaves it merely behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Appends; on a full disk after letting go of pictures.
fn append_relieved(log: &mut Log, drafts: &[EventDraft], dropped: &mut Dropped) -> Result<(), CacheError> {
    loop {
        match log.append(drafts) {
            Ok(_) => return Ok(()),
            Err(error) if is_full(&error) => {
                log.relieve(dropped).map_err(|_| error)?;
                log.keep_reserve();
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
pub mod tests;
