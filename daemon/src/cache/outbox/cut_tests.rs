//! Power cuts and refusals between any two steps, on a disk that keeps only what was flushed: some of the rest, in part,
//! in any order. What the log said to be durable is there afterwards, whole, once, under its key.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use ostiary_common::ids::EventId;
use ostiary_common::seal::SealKey;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::tests::{report, visit};
use super::volume::{SegmentFile, Volume};
use super::*;

const SECTOR: usize = 512;

enum Change {
    Write(usize, Vec<u8>),
    Cut(usize),
}

#[derive(Default)]
struct FileState {
    seen: Vec<u8>,
    durable: Vec<u8>,
    cached: Vec<Change>,
}

#[derive(Clone)]
enum NameChange {
    Put(String, usize),
    Gone(String),
}

#[derive(Default)]
struct Disk {
    files: Vec<FileState>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    name_changes: Vec<NameChange>,
    /// Steps left before the power goes.
    steps_left: u64,
    /// One step in so many is refused; 0 for none.
    refuses: u32,
    random: Option<StdRng>,
}

/// A disk whose power can be cut.
#[derive(Clone, Default)]
struct Bench(Arc<Mutex<Disk>>);

struct BenchFile(Bench, usize);

impl Bench {
    fn new(seed: u64) -> Self {
        let random = Some(StdRng::seed_from_u64(seed));
        Self(Arc::new(Mutex::new(Disk { steps_left: u64::MAX, random, ..Disk::default() })))
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap()
    }

    fn power_for(&self, steps: u64, refuses: u32) {
        let mut disk = self.disk();
        (disk.steps_left, disk.refuses) = (steps, refuses);
    }

    fn power_cut(&self) {
        let mut disk = self.disk();
        let mut random = disk.random.take().unwrap();
        for file in &mut disk.files {
            file.lose(&mut random);
        }
        let kept = random.random_range(0..=disk.name_changes.len());
        let changes: Vec<NameChange> = disk.name_changes.drain(..).collect();
        changes.into_iter().take(kept).for_each(|change| apply(&mut disk.durable_names, change));
        disk.names = disk.durable_names.clone();
        disk.random = Some(random);
    }
}

impl Disk {
    fn step(&mut self) -> io::Result<()> {
        if self.steps_left == 0 {
            return Err(io::Error::other("the power is gone"));
        }
        self.steps_left -= 1;
        let refused = self.refuses > 0 && self.random.as_mut().unwrap().random_ratio(1, self.refuses);
        if refused { Err(io::Error::from_raw_os_error(28)) } else { Ok(()) }
    }

    fn rename(&mut self, change: NameChange) {
        apply(&mut self.names, change.clone());
        self.name_changes.push(change);
    }
}

fn apply(names: &mut BTreeMap<String, usize>, change: NameChange) {
    match change {
        NameChange::Put(name, file) => {
            names.retain(|_, other| *other != file);
            names.insert(name, file);
        }
        NameChange::Gone(name) => drop(names.remove(&name)),
    }
}

impl FileState {
    fn lose(&mut self, random: &mut StdRng) {
        let mode = random.random_range(0..3);
        for change in std::mem::take(&mut self.cached) {
            match change {
                Change::Cut(length) if mode > 0 && random.random() => self.durable.truncate(length),
                Change::Write(at, bytes) if mode > 0 => {
                    // Sectors of the disk, wherever the write began.
                    let mut from = 0;
                    while from < bytes.len() {
                        let to = (from + SECTOR - (at + from) % SECTOR).min(bytes.len());
                        if mode == 1 || random.random() {
                            put(&mut self.durable, at + from, &bytes[from..to]);
                        }
                        from = to;
                    }
                }
                _ => {}
            }
        }
        self.seen = self.durable.clone();
    }
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if content.len() < at + bytes.len() {
        content.resize(at + bytes.len(), 0);
    }
    content[at..at + bytes.len()].copy_from_slice(bytes);
}

impl Volume for Bench {
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.disk().names.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn SegmentFile>> {
        let file = *self.disk().names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(BenchFile(self.clone(), file)))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn SegmentFile>> {
        let mut disk = self.disk();
        disk.step()?;
        let file = disk.files.len();
        disk.files.push(FileState::default());
        disk.rename(NameChange::Put(name.into(), file));
        Ok(Box::new(BenchFile(self.clone(), file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut disk = self.disk();
        disk.step()?;
        let file = *disk.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        disk.rename(NameChange::Put(to.into(), file));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut disk = self.disk();
        disk.step()?;
        disk.rename(NameChange::Gone(name.into()));
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut disk = self.disk();
        disk.step()?;
        let changes: Vec<NameChange> = disk.name_changes.drain(..).collect();
        changes.into_iter().for_each(|change| apply(&mut disk.durable_names, change));
        Ok(())
    }
}

impl SegmentFile for BenchFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.disk().files[self.1].seen.len() as u64)
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        let disk = self.0.disk();
        let at = at as usize;
        let part = disk.files[self.1].seen.get(at..at + bytes.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        bytes.copy_from_slice(part);
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut disk = self.0.disk();
        let refused = disk.step();
        // A refused write may have been done in part.
        let most =
            if refused.is_ok() { bytes.len() } else { disk.random.as_mut().unwrap().random_range(0..=bytes.len()) };
        let file = &mut disk.files[self.1];
        put(&mut file.seen, at as usize, &bytes[..most]);
        file.cached.push(Change::Write(at as usize, bytes[..most].to_vec()));
        refused
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        let mut disk = self.0.disk();
        disk.step()?;
        let file = &mut disk.files[self.1];
        file.seen.truncate(length as usize);
        file.cached.push(Change::Cut(length as usize));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut disk = self.0.disk();
        disk.step()?;
        let file = &mut disk.files[self.1];
        for change in std::mem::take(&mut file.cached) {
            match change {
                Change::Write(at, bytes) => put(&mut file.durable, at, &bytes),
                Change::Cut(length) => file.durable.truncate(length),
            }
        }
        Ok(())
    }
}

/// What must be there.
#[derive(Default)]
struct Promised {
    /// Said to be durable and not given to the server: by number, what it is.
    durable: BTreeMap<u64, EventDraft>,
    /// Handed in, but refused or cut off: may be there.
    maybe: Vec<EventId>,
    last: u64,
    stream: Option<StreamId>,
}

fn reopened(bench: &Bench, budget: Budget) -> OutboxShelf {
    bench.power_for(u64::MAX, 0);
    let opened = OutboxShelf::open_in(Arc::new(bench.clone()), &SealKey::from_bytes([1; 32]), budget).unwrap();
    assert_eq!(opened.damage, [""; 0], "a power cut is no damage");
    opened.outbox
}

fn everything(outbox: &OutboxShelf) -> Vec<EventRecord> {
    let (mut found, mut from) = (Vec::<EventRecord>::new(), 0);
    loop {
        let batch = outbox.batch(from, 7, 3000).unwrap();
        let Some(last) = batch.last() else { return found };
        from = last.seq + 1;
        found.extend(batch);
    }
}

/// What may have been dropped to make room counts as there.
fn give_back(found: &mut EventDraft, promised: &EventDraft) {
    if let (Some(found), Some(promised)) = (found.report.as_mut(), promised.report.as_ref())
        && found.detail.is_empty()
    {
        found.detail.clone_from(&promised.detail);
    }
    if let (Some(found), Some(promised)) = (found.visit.as_mut(), promised.visit.as_ref())
        && found.crop_jpeg.is_none()
    {
        found.crop_jpeg.clone_from(&promised.crop_jpeg);
    }
}

impl Promised {
    /// Compares; what is found is what is promised from now on.
    fn check(&mut self, outbox: &OutboxShelf, pictures_may_go: bool) {
        self.follow_stream(outbox);
        let found = everything(outbox);
        assert!(found.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq), "numbers without gaps");
        assert!(outbox.last_seq() >= self.last, "no number is given twice");
        let state = outbox.state();
        let log = &state.log;
        let what = (log.first_key(), log.next_key, log.base, log.acked, log.segments.clone());
        let keys = (found.first().map(|record| record.seq), found.last().map(|record| record.seq));
        assert_eq!(found.len() as u64, log.next_key - log.first_key(), "{keys:?} of {what:?}");
        drop(state);
        let mut seen: Vec<EventId> = found.iter().map(|record| record.id).collect();
        let held: BTreeMap<u64, EventDraft> = found.into_iter().map(|r| (r.seq, EventDraft::from(r))).collect();
        for (seq, draft) in &self.durable {
            let mut found = held.get(seq).unwrap_or_else(|| panic!("event {seq} was durable and is gone")).clone();
            if pictures_may_go {
                give_back(&mut found, draft);
            }
            assert_eq!(found, *draft, "event {seq} as it was written");
        }
        seen.sort();
        let all = seen.len();
        seen.dedup();
        assert_eq!(seen.len(), all, "no event stands there twice");
        self.last = outbox.last_seq();
        self.durable = held;
    }

    fn steps(&mut self, outbox: &OutboxShelf, random: &mut StdRng, count: usize) {
        for _ in 0..count {
            match random.random_range(0..10) {
                0..7 => {
                    let burst = random.random_range(1..=3);
                    let drafts: Vec<EventDraft> = (0..burst)
                        .map(|_| if random.random() { visit(random.random_range(0..700)) } else { report("words") })
                        .collect();
                    self.append(outbox, drafts);
                }
                7..9 => {
                    let upto = random.random_range(outbox.first_seq().saturating_sub(1)..=outbox.last_seq());
                    outbox.delete_upto(upto).unwrap();
                    self.durable.retain(|seq, _| *seq > upto);
                }
                _ => {
                    let _ = outbox.begin_stream(StreamId::generate());
                    self.follow_stream(outbox);
                }
            }
        }
    }

    /// A new stream may have begun, also by an attempt that the power cut short: what waits is numbered anew, in order.
    fn follow_stream(&mut self, outbox: &OutboxShelf) {
        if self.stream.replace(outbox.stream()).is_none_or(|before| before == outbox.stream()) {
            return;
        }
        let found = everything(outbox);
        let first = self.durable.first_key_value().and_then(|(seq, draft)| {
            let now = found.iter().find(|record| record.id == draft.id)?;
            Some(*seq - now.seq)
        });
        let before = first.unwrap_or(self.last);
        let moved = std::mem::take(&mut self.durable).into_iter();
        self.durable = moved.map(|(seq, draft)| (seq - before, draft)).collect();
        self.last -= before;
    }

    fn append(&mut self, outbox: &OutboxShelf, drafts: Vec<EventDraft>) {
        let before = outbox.last_seq();
        match outbox.append_all(&drafts) {
            Ok((last, dropped)) => {
                assert_eq!(last, before + drafts.len() as u64);
                self.durable.extend((before + 1..).zip(drafts));
                self.last = last;
                self.durable.retain(|seq, _| dropped.events == 0 || *seq > dropped.upto_seq);
            }
            Err(_) => self.maybe.extend(drafts.iter().map(|draft| draft.id)),
        }
    }
}

/// `seeds` lives of a disk, each with several power cuts; `refuses`: one write in so many fails.
fn lives(seeds: u64, budget: Budget, refuses: u32) {
    for seed in 0..seeds {
        let bench = Bench::new(seed);
        let mut random = StdRng::seed_from_u64(seed ^ 0xabcd);
        let mut promised = Promised::default();
        for _ in 0..4 {
            let outbox = reopened(&bench, budget);
            promised.check(&outbox, refuses > 0 || budget.media_bytes < 1 << 20);
            bench.power_for(random.random_range(1..120), refuses);
            let count = random.random_range(1..40);
            promised.steps(&outbox, &mut random, count);
            bench.power_for(0, 0);
            drop(outbox);
            bench.power_cut();
        }
        promised.check(&reopened(&bench, budget), refuses > 0 || budget.media_bytes < 1 << 20);
    }
}

#[test]
fn nothing_durable_is_lost_to_power_cuts() {
    lives(100, Budget { total_bytes: 1 << 20, media_bytes: 1 << 20 }, 0);
}

#[test]
fn nothing_durable_is_lost_when_the_disk_refuses_too() {
    lives(100, Budget { total_bytes: 1 << 20, media_bytes: 1 << 20 }, 15);
}

#[test]
fn making_room_survives_power_cuts() {
    lives(100, Budget { total_bytes: 24 << 10, media_bytes: 6 << 10 }, 0);
}
