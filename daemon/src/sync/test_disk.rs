//! A disk in memory for tests, which loses what need not be durable when the power goes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use ostiary_common::ids::{BootId, EventId, PersonId, StreamId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{
    ConfigDesired, DeviceReport, EnrollResult, EventRecord, EventTime, ReportKind, TemplateRow,
};

use super::{ChunkKey, Disk, DiskError, DoneCommand, GalleryHead, GalleryStep, Holdings, Stamp};

/// What is on the disk.
#[derive(Clone)]
pub struct Contents {
    pub stream: StreamId,
    pub last_seq: u64,
    pub events: BTreeMap<u64, EventRecord>,
    /// Deleted, but they come back after a power cut.
    deleted: BTreeMap<u64, EventRecord>,
    pub head: GalleryHead,
    pub persons: BTreeMap<PersonId, (Vec<TemplateRow>, Stamp)>,
    pub session: u64,
    pub desired: Option<ConfigDesired>,
    pub commands: Vec<DoneCommand>,
    pub enrollment: Option<EnrollResult>,
    key: Option<ChunkKey>,
    floor: UnixMillis,
}

/// A disk; clones are the same disk.
#[derive(Clone)]
pub struct MemoryDisk {
    pub contents: Rc<RefCell<Contents>>,
    /// Whether it takes writes.
    pub writes: Rc<RefCell<bool>>,
}

impl MemoryDisk {
    pub fn new(stream: StreamId) -> Self {
        Self::of(Contents {
            stream,
            last_seq: 0,
            events: BTreeMap::new(),
            deleted: BTreeMap::new(),
            head: GalleryHead::default(),
            persons: BTreeMap::new(),
            session: 0,
            desired: None,
            commands: Vec::new(),
            enrollment: None,
            key: None,
            floor: UnixMillis(0),
        })
    }

    pub fn of(contents: Contents) -> Self {
        Self { contents: Rc::new(RefCell::new(contents)), writes: Rc::new(RefCell::new(true)) }
    }

    /// What is left when the power goes now.
    pub fn after_power_cut(&self) -> Contents {
        let mut left = self.contents.borrow().clone();
        let back = std::mem::take(&mut left.deleted);
        left.events.extend(back);
        left
    }

    pub fn holdings(&self) -> Holdings {
        let mut holdings = Holdings::default();
        for (person, (rows, stamp)) in &self.contents.borrow().persons {
            holdings.set(*person, rows, *stamp);
        }
        holdings
    }

    /// What the recorder does.
    pub fn append(&self, id: EventId) {
        let mut contents = self.contents.borrow_mut();
        contents.last_seq += 1;
        let seq = contents.last_seq;
        let boot = BootId(uuid::Uuid::nil());
        let time = EventTime { wall: UnixMillis(0), clock_synced: false, monotonic_ms: 0, boot };
        let report = DeviceReport { kind: ReportKind::Started, detail: String::new() };
        contents.events.insert(seq, EventRecord { id, seq, time, visit: None, report: Some(report) });
    }

    fn write(&self, change: impl FnOnce(&mut Contents)) -> Result<(), DiskError> {
        if !*self.writes.borrow() {
            return Err(DiskError("no space left".into()));
        }
        change(&mut self.contents.borrow_mut());
        Ok(())
    }
}

impl Disk for MemoryDisk {
    fn stream(&self) -> StreamId {
        self.contents.borrow().stream
    }

    fn first_seq(&self) -> u64 {
        let contents = self.contents.borrow();
        contents.events.keys().next().copied().unwrap_or(contents.last_seq + 1)
    }

    fn last_seq(&self) -> u64 {
        self.contents.borrow().last_seq
    }

    fn batch(&self, from: u64, max_events: usize, _: u64) -> Result<Vec<EventRecord>, DiskError> {
        Ok(self.contents.borrow().events.range(from..).take(max_events).map(|(_, event)| event.clone()).collect())
    }

    fn delete_upto(&mut self, upto: u64) -> Result<(), DiskError> {
        self.write(|contents| {
            let kept = contents.events.split_off(&(upto + 1));
            let gone = std::mem::replace(&mut contents.events, kept);
            contents.deleted.extend(gone);
        })
    }

    fn begin_stream(&mut self, stream: StreamId) -> Result<(), DiskError> {
        self.write(|contents| {
            let waiting = std::mem::take(&mut contents.events);
            contents.deleted.clear();
            contents.last_seq = waiting.len() as u64;
            contents.events =
                (1..).zip(waiting.into_values()).map(|(seq, e)| (seq, EventRecord { seq, ..e })).collect();
            contents.stream = stream;
        })
    }

    fn apply_gallery(&mut self, step: &GalleryStep) -> Result<(), DiskError> {
        self.write(|contents| {
            for change in &step.changes {
                contents.persons.remove(&change.person);
                if !change.templates.is_empty() {
                    contents.persons.insert(change.person, (change.templates.clone(), step.stamp));
                }
            }
            contents.head = step.head;
        })
    }

    fn session(&self) -> Result<u64, DiskError> {
        Ok(self.contents.borrow().session)
    }

    fn keep_session(&mut self, session: u64) -> Result<(), DiskError> {
        self.write(|contents| contents.session = session)
    }

    fn desired(&self) -> Result<Option<ConfigDesired>, DiskError> {
        Ok(self.contents.borrow().desired.clone())
    }

    fn keep_desired(&mut self, desired: &ConfigDesired) -> Result<(), DiskError> {
        self.write(|contents| contents.desired = Some(desired.clone()))
    }

    fn commands(&self) -> Result<Vec<DoneCommand>, DiskError> {
        Ok(self.contents.borrow().commands.clone())
    }

    fn keep_commands(&mut self, done: &[DoneCommand]) -> Result<(), DiskError> {
        self.write(|contents| contents.commands = done.to_vec())
    }

    fn enrollment(&self) -> Result<Option<EnrollResult>, DiskError> {
        Ok(self.contents.borrow().enrollment.clone())
    }

    fn keep_enrollment(&mut self, result: Option<&EnrollResult>) -> Result<(), DiskError> {
        self.write(|contents| contents.enrollment = result.cloned())
    }

    fn chunk_key(&self) -> Result<Option<ChunkKey>, DiskError> {
        Ok(self.contents.borrow().key.clone())
    }

    fn keep_chunk_key(&mut self, key: Option<&ChunkKey>) -> Result<(), DiskError> {
        self.write(|contents| contents.key = key.cloned())
    }

    fn raise_time_floor(&mut self, at: UnixMillis) -> Result<(), DiskError> {
        self.write(|contents| contents.floor = contents.floor.max(at))
    }
}
