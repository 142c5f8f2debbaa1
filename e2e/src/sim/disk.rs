//! A device's disk that can be full, and can lose power before, at and after every write.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use ostiary_common::ids::{PersonId, StreamId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{ConfigDesired, EnrollResult, EventRecord, TemplateRow};
use ostiary_daemon::sync::{
    ChunkKey, Disk, DiskError, DoneCommand, GalleryHead, GalleryStep, Holdings, KeptGallery, Stamp,
};

/// What stands on a disk.
#[derive(Clone)]
pub struct Contents {
    /// The life the outbox's numbers count in.
    pub stream: StreamId,
    /// The last number given.
    pub last_seq: u64,
    /// What waits, by number.
    pub events: BTreeMap<u64, EventRecord>,
    /// Persons with their templates, and the walk that named them.
    pub persons: BTreeMap<PersonId, (Vec<TemplateRow>, Stamp)>,
    head: GalleryHead,
    session: u64,
    /// The settings taken last.
    pub desired: Option<ConfigDesired>,
    commands: Vec<DoneCommand>,
    enrollment: Option<EnrollResult>,
    key: Option<ChunkKey>,
    floor: UnixMillis,
}

/// A disk; every handle is the same one.
#[derive(Clone)]
pub struct SimDisk(Rc<RefCell<State>>);

struct State {
    /// What a reader sees.
    now: Contents,
    /// What a power cut leaves.
    durable: Contents,
    /// Whether something is written and not flushed.
    is_dirty: bool,
    /// Writes fail.
    is_full: bool,
    /// Writes until the power goes, and whether the last of them still reaches the disk.
    cut: Option<(u32, bool)>,
    /// The power is gone: nothing is written any more.
    is_off: bool,
    /// Events removed from the outbox since somebody looked.
    deleted: Vec<EventRecord>,
}

impl SimDisk {
    /// A new disk with an empty outbox of this stream.
    pub fn new(stream: StreamId) -> Self {
        Self::with(Contents {
            stream,
            last_seq: 0,
            events: BTreeMap::new(),
            persons: BTreeMap::new(),
            head: GalleryHead::default(),
            session: 0,
            desired: None,
            commands: Vec::new(),
            enrollment: None,
            key: None,
            floor: UnixMillis(0),
        })
    }

    fn with(now: Contents) -> Self {
        let durable = now.clone();
        let state =
            State { now, durable, is_dirty: false, is_full: false, cut: None, is_off: false, deleted: Vec::new() };
        Self(Rc::new(RefCell::new(state)))
    }

    /// What a reader sees now.
    pub fn look<T>(&self, at: impl FnOnce(&Contents) -> T) -> T {
        at(&self.0.borrow().now)
    }

    /// What the gallery's part of the core begins with.
    pub fn gallery(&self) -> KeptGallery {
        self.look(|contents| {
            let mut holdings = Holdings::default();
            for (person, (templates, stamp)) in &contents.persons {
                holdings.set(*person, templates, *stamp);
            }
            KeptGallery { head: contents.head, holdings }
        })
    }

    /// The time floor.
    pub fn floor(&self) -> UnixMillis {
        self.look(|contents| contents.floor)
    }

    /// An image of the disk, as someone would make of a card.
    pub fn image(&self) -> Contents {
        self.0.borrow().durable.clone()
    }

    /// The card is replaced by an image.
    pub fn restore(&self, image: Contents) {
        let mut state = self.0.borrow_mut();
        (state.now, state.durable, state.is_dirty) = (image.clone(), image, false);
    }

    /// The power goes: `keep` tells whether what was not flushed had reached the disk by chance. Returns whether
    /// anything was lost.
    pub fn power_cut(&self, keep: bool) -> bool {
        let mut state = self.0.borrow_mut();
        let loses = state.is_dirty && !keep;
        if loses {
            state.now = state.durable.clone();
        } else {
            state.durable = state.now.clone();
        }
        (state.is_dirty, state.cut, state.is_off) = (false, None, false);
        loses
    }

    /// The power goes at the `writes`-th write from now; `last_counts` tells whether that one reaches the disk.
    pub fn arm(&self, writes: u32, last_counts: bool) {
        self.0.borrow_mut().cut = Some((writes, last_counts));
    }

    /// Whether an armed power cut has come.
    pub fn is_off(&self) -> bool {
        self.0.borrow().is_off
    }

    /// Writes fail from now on.
    pub fn fill(&self) {
        self.0.borrow_mut().is_full = true;
    }

    /// There is space again, and no power cut to come.
    pub fn mend(&self) {
        let mut state = self.0.borrow_mut();
        (state.is_full, state.cut) = (false, None);
    }

    /// Events removed since this was last asked.
    pub fn take_deleted(&self) -> Vec<EventRecord> {
        std::mem::take(&mut self.0.borrow_mut().deleted)
    }

    /// Appends an event, durably, as the recorder does.
    ///
    /// # Errors
    /// [`DiskError`] if it is not durable; it may be there all the same after a power cut.
    pub fn append(&self, event: &EventRecord) -> Result<u64, DiskError> {
        self.write(true, |contents| {
            contents.last_seq += 1;
            let seq = contents.last_seq;
            contents.events.insert(seq, EventRecord { seq, ..event.clone() });
        })?;
        Ok(self.look(|contents| contents.last_seq))
    }

    fn write(&self, is_flushed: bool, change: impl Fn(&mut Contents)) -> Result<(), DiskError> {
        let mut state = self.0.borrow_mut();
        let goes = state.admit()?;
        if goes {
            change(&mut state.now);
            match (is_flushed, state.is_dirty) {
                (true, true) => state.durable = state.now.clone(),
                (true, false) => change(&mut state.durable),
                (false, _) => {}
            }
            state.is_dirty = !is_flushed;
        }
        if state.is_off { Err(DiskError("the power is gone".into())) } else { Ok(()) }
    }
}

impl State {
    /// Whether a write takes place; an error if it surely does not.
    fn admit(&mut self) -> Result<bool, DiskError> {
        if self.is_off {
            return Err(DiskError("the power is gone".into()));
        }
        if self.is_full {
            return Err(DiskError("no space left on the disk".into()));
        }
        let Some((left, last_counts)) = self.cut else { return Ok(true) };
        if left > 1 {
            self.cut = Some((left - 1, last_counts));
            return Ok(true);
        }
        self.is_off = true;
        Ok(last_counts)
    }
}

impl Disk for SimDisk {
    fn stream(&self) -> StreamId {
        self.look(|contents| contents.stream)
    }

    fn first_seq(&self) -> u64 {
        self.look(|contents| contents.events.first_key_value().map_or(contents.last_seq + 1, |(seq, _)| *seq))
    }

    fn last_seq(&self) -> u64 {
        self.look(|contents| contents.last_seq)
    }

    fn batch(&self, from: u64, max_events: usize, _: u64) -> Result<Vec<EventRecord>, DiskError> {
        Ok(self.look(|contents| contents.events.range(from..).take(max_events).map(|(_, one)| one.clone()).collect()))
    }

    fn delete_upto(&mut self, upto: u64) -> Result<(), DiskError> {
        let gone: Vec<_> = self.look(|contents| contents.events.range(..=upto).map(|(_, one)| one.clone()).collect());
        self.write(false, |contents| contents.events = contents.events.split_off(&(upto + 1)))?;
        self.0.borrow_mut().deleted.extend(gone);
        Ok(())
    }

    fn begin_stream(&mut self, stream: StreamId) -> Result<(), DiskError> {
        self.write(true, |contents| {
            let waiting = std::mem::take(&mut contents.events);
            contents.stream = stream;
            contents.events =
                (1..).zip(waiting.into_values()).map(|(seq, one)| (seq, EventRecord { seq, ..one })).collect();
            contents.last_seq = contents.events.len() as u64;
        })
    }

    fn apply_gallery(&mut self, step: &GalleryStep) -> Result<(), DiskError> {
        self.write(true, |contents| {
            for change in &step.changes {
                if change.templates.is_empty() {
                    contents.persons.remove(&change.person);
                } else {
                    contents.persons.insert(change.person, (change.templates.clone(), step.stamp));
                }
            }
            contents.head = step.head;
        })
    }

    fn session(&self) -> Result<u64, DiskError> {
        Ok(self.look(|contents| contents.session))
    }

    fn keep_session(&mut self, session: u64) -> Result<(), DiskError> {
        self.write(true, |contents| contents.session = session)
    }

    fn desired(&self) -> Result<Option<ConfigDesired>, DiskError> {
        Ok(self.look(|contents| contents.desired.clone()))
    }

    fn keep_desired(&mut self, desired: &ConfigDesired) -> Result<(), DiskError> {
        self.write(true, |contents| contents.desired = Some(desired.clone()))
    }

    fn commands(&self) -> Result<Vec<DoneCommand>, DiskError> {
        Ok(self.look(|contents| contents.commands.clone()))
    }

    fn keep_commands(&mut self, done: &[DoneCommand]) -> Result<(), DiskError> {
        self.write(true, |contents| contents.commands = done.to_vec())
    }

    fn enrollment(&self) -> Result<Option<EnrollResult>, DiskError> {
        Ok(self.look(|contents| contents.enrollment.clone()))
    }

    fn keep_enrollment(&mut self, result: Option<&EnrollResult>) -> Result<(), DiskError> {
        self.write(true, |contents| contents.enrollment = result.cloned())
    }

    fn chunk_key(&self) -> Result<Option<ChunkKey>, DiskError> {
        Ok(self.look(|contents| contents.key.clone()))
    }

    fn keep_chunk_key(&mut self, key: Option<&ChunkKey>) -> Result<(), DiskError> {
        self.write(true, |contents| contents.key = key.cloned())
    }

    fn raise_time_floor(&mut self, at: UnixMillis) -> Result<(), DiskError> {
        self.write(false, |contents| contents.floor = contents.floor.max(at))
    }
}
