//! Keeping the gallery equal to the server's: ask with what is held, take the answer page by page, prove it by the
//! digest, and ask for everything if the proof fails.
//!
//! Each chunk is made durable and searched as it comes. That is safe, for a chunk says of each person what is true at
//! the server by now: somebody who is gone is never matched while a long walk goes on, and a walk that is broken off
//! leaves persons who are newer than the revision held, which the next walk from that revision names again. After a
//! whole snapshot those it did not name are gone; until then they are held as before.
//!
//! Pure: [`GallerySync::handle`] takes what happened and the time, and returns what to do.

use std::collections::BTreeMap;
use std::time::Duration;

use ostiary_common::ids::{MsgId, PackId, PersonId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{ChunkKind, GalleryAck, GalleryChunk, GalleryRequest, PersonChange, Revision};

use super::backoff::Backoff;
use super::holdings::{GalleryHead, GalleryStep, Holdings, KeptGallery, KeptWalk, Stamp};
use super::now::{Dice, Now};
use super::trust::Proven;

/// Without progress for half to all of this, the request is made again; doubles each time.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait for an answer.
const ANSWER_TIMEOUT_CAP: Duration = Duration::from_secs(600);
/// Devices that hear the same notice spread their requests over this time.
const NOTICE_JITTER: Duration = Duration::from_millis(500);
/// First and longest wait before a snapshot is asked for again that did not lead to the server's digest.
const DISAGREED: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(3600));
/// What is held is proven again after three to five quarters of this, though nothing changed.
const PROVE_EVERY: Duration = Duration::from_secs(6 * 3600);
/// The time of the proof is written at most this often if nothing else is, milliseconds.
const PROOF_STEP_MS: i64 = 3_600_000;
/// Chunks asked for at once.
const PAGE_CHUNKS: u32 = 8;
/// So many pages of a walk are asked for as fast as they come; the rest one each [`PAGE_EVERY`], which a server that
/// looks at how often a device asks takes for ever.
const PAGES_AT_ONCE: u32 = 12;
/// See [`PAGES_AT_ONCE`].
const PAGE_EVERY: Duration = Duration::from_millis(500);

/// What happened.
#[derive(Debug)]
pub enum SyncInput {
    /// A connection stands.
    Connected,
    /// The connection is gone.
    Disconnected,
    /// The server's gallery is at this revision.
    Notice(Revision),
    /// A part of an answer, its persons open, sent at this time by the server's clock.
    Chunk(GalleryChunk, UnixMillis),
    /// A part of an answer cannot be used, in words.
    Unusable(String),
    /// An administrator asks for everything anew.
    Resync,
    /// The device's memory is behind what the server has of it: nothing held is believed.
    Doubted,
    /// The last step could not be made durable.
    NotApplied,
    /// Time has passed.
    Tick,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum SyncOutput {
    /// Publish this request.
    Request(GalleryRequest),
    /// Make this durable and search it, then call [`GallerySync::applied`], or say that it was
    /// [`SyncInput::NotApplied`].
    Apply(Box<GalleryStep>),
    /// Publish this acknowledgement.
    Ack(GalleryAck),
    /// Tell in the log: something is not as it should be.
    Warn(String),
}

/// What follows once a step is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// More of the page is to come.
    Wait,
    /// The page is at its end: ask for the next one.
    AskOn,
    /// The walk is at its end and proven.
    Proven,
    /// The walk is at its end, and the digests differ.
    Disagreed,
    /// Ask for everything.
    Begin,
}

#[derive(Debug)]
struct Pending {
    request: MsgId,
    next_index: u32,
    kind: ChunkKind,
    stamp: Stamp,
    next: After,
    deadline: Duration,
}

/// The device's side of the synchronisation.
#[derive(Debug)]
pub struct GallerySync {
    pack: PackId,
    head: GalleryHead,
    holdings: Holdings,
    proven: Proven,
    connected: bool,
    pending: Option<Pending>,
    /// When to ask next, if nothing is under way.
    ask_at: Option<Duration>,
    /// The newest revision heard of.
    noticed: Revision,
    /// Pages of the present walk asked for.
    pages: u32,
    /// Whether the next request is for everything.
    snapshot_wanted: bool,
    disagreed: Backoff,
    unanswered: Backoff,
}

impl GallerySync {
    /// Begins with what the cache holds.
    #[must_use]
    pub fn new(pack: PackId, kept: KeptGallery) -> Self {
        let KeptGallery { head, holdings } = kept;
        Self {
            pack,
            head,
            holdings,
            proven: Proven { at: head.proven_at, in_this_run: None },
            connected: false,
            pending: None,
            ask_at: None,
            noticed: Revision(0),
            pages: 0,
            snapshot_wanted: false,
            disagreed: Backoff::new(DISAGREED.0, DISAGREED.1),
            unanswered: Backoff::new(ANSWER_TIMEOUT, ANSWER_TIMEOUT_CAP),
        }
    }

    /// The revision held.
    #[must_use]
    pub const fn rev(&self) -> Revision {
        self.head.rev
    }

    /// What is held.
    #[must_use]
    pub const fn holdings(&self) -> &Holdings {
        &self.holdings
    }

    /// When what is held was last proven equal to the server's.
    #[must_use]
    pub const fn proven(&self) -> Proven {
        self.proven
    }

    /// Whether chunks that answer this request are waited for.
    #[must_use]
    pub fn awaits(&self, request: MsgId) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.request == request)
    }

    /// When [`SyncInput::Tick`] is wanted next.
    #[must_use]
    pub fn wake_at(&self) -> Option<Duration> {
        let pending = self.pending.as_ref().map(|pending| pending.deadline);
        self.connected.then_some(pending.or(self.ask_at)).flatten()
    }

    /// Takes what happened at `now`.
    pub fn handle(&mut self, input: SyncInput, now: &Now, dice: &mut Dice) -> Vec<SyncOutput> {
        match input {
            SyncInput::Connected => {
                self.connected = true;
                self.unanswered.reset();
                self.ask(now, dice)
            }
            SyncInput::Disconnected => {
                self.connected = false;
                self.pending = None;
                Vec::new()
            }
            SyncInput::Notice(rev) => self.noticed(rev, now, dice),
            SyncInput::Resync => self.begin_anew(now, dice),
            SyncInput::Doubted => self.doubt(now),
            SyncInput::Tick => self.tick(now, dice),
            SyncInput::Chunk(chunk, sent_at) => self.chunk(chunk, sent_at, now, dice),
            SyncInput::Unusable(why) => {
                self.later(now, dice);
                vec![SyncOutput::Warn(why)]
            }
            SyncInput::NotApplied => {
                self.later(now, dice);
                Vec::new()
            }
        }
    }

    /// The step is durable: this is held from now on.
    pub fn applied(&mut self, step: &GalleryStep, now: &Now, dice: &mut Dice) -> Vec<SyncOutput> {
        self.holdings.take(step);
        self.head = step.head;
        match self.pending.as_ref().map(|pending| pending.next) {
            None | Some(After::Wait) => Vec::new(),
            Some(After::Begin) => {
                self.pending = None;
                self.ask(now, dice)
            }
            Some(After::AskOn) => self.ask_on(now, dice),
            Some(After::Proven) => self.finish(now, dice),
            Some(After::Disagreed) => self.differ(now, dice),
        }
    }

    /// What is held, in words of the wire; the caller adds the proof.
    #[must_use]
    pub fn ack(&self) -> GalleryAck {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        GalleryAck {
            rev: self.head.rev,
            digest: self.holdings.digest(),
            persons: count(self.holdings.persons()),
            templates: count(self.holdings.templates()),
            proof: None,
        }
    }

    fn noticed(&mut self, rev: Revision, now: &Now, dice: &mut Dice) -> Vec<SyncOutput> {
        self.noticed = self.noticed.max(rev);
        let is_settled = !self.snapshot_wanted && self.pending.is_none() && self.head.walk.is_none();
        if rev == self.head.rev && is_settled && self.proven.in_this_run.is_some() {
            // The server does not know what is held here, or doubts it: say it again.
            return vec![SyncOutput::Ack(self.ack())];
        }
        self.ask_by(now.monotonic + NOTICE_JITTER.mul_f64(dice.jitter()));
        Vec::new()
    }

    fn tick(&mut self, now: &Now, dice: &mut Dice) -> Vec<SyncOutput> {
        let is_due = self.wake_at().is_some_and(|at| now.monotonic >= at);
        if !is_due {
            return Vec::new();
        }
        self.pending = None;
        self.ask(now, dice)
    }

    fn ask_by(&mut self, at: Duration) {
        self.ask_at = Some(self.ask_at.map_or(at, |earlier| earlier.min(at)));
    }

    fn begin_anew(&mut self, now: &Now, dice: &mut Dice) -> Vec<SyncOutput> {
        self.snapshot_wanted = true;
        self.pending = None;
        self.ask(now, dice)
    }

    fn ask(&mut self, now: &Now, dice: &mut Dice) -> Vec<SyncOutput> {
        if !self.connected || self.pending.is_some() {
            return Vec::new();
        }
        self.ask_at = None;
        let walk = self.head.walk.filter(|_| !self.snapshot_wanted);
        let is_for_all = self.snapshot_wanted || walk.is_some_and(|kept| kept.walk.kind == ChunkKind::Snapshot);
        let request = GalleryRequest {
            request: dice.msg_id(now.wall),
            rev: if is_for_all { Revision(0) } else { self.head.rev },
            digest: self.holdings.digest(),
            pack: self.pack.clone(),
            resume: walk.map(|kept| kept.walk),
            most_chunks: Some(PAGE_CHUNKS),
        };
        self.pending = Some(Pending {
            request: request.request,
            next_index: 0,
            kind: ChunkKind::Changes,
            stamp: 0,
            next: After::Wait,
            deadline: now.monotonic + self.unanswered.next(dice.jitter()),
        });
        vec![SyncOutput::Request(request)]
    }

    fn ask_on(&mut self, now: &Now, dice: &mut Dice) -> Vec<SyncOutput> {
        self.pending = None;
        self.pages += 1;
        if self.pages < PAGES_AT_ONCE {
            return self.ask(now, dice);
        }
        self.ask_at = Some(now.monotonic + PAGE_EVERY);
        Vec::new()
    }

    fn chunk(&mut self, chunk: GalleryChunk, sent_at: UnixMillis, now: &Now, dice: &mut Dice) -> Vec<SyncOutput> {
        let walk = self.head.walk.filter(|_| !self.snapshot_wanted);
        let Some(pending) = self.pending.as_mut().filter(|pending| pending.request == chunk.request) else {
            return Vec::new();
        };
        if chunk.pack != self.pack {
            let text = format!(
                "the server's templates are of model pack {}, this device runs {}: install the same pack on both",
                chunk.pack, self.pack
            );
            return self.handle(SyncInput::Unusable(text), now, dice);
        }
        // Out of order or repeated: what is missing is asked for again when the wait is over.
        if chunk.index != pending.next_index || (chunk.index > 0 && chunk.kind != pending.kind) {
            return Vec::new();
        }
        if chunk.index == 0 {
            pending.kind = chunk.kind;
            pending.stamp = stamp_of(&chunk, walk, dice);
        }
        pending.next_index += 1;
        self.unanswered.reset();
        pending.deadline = now.monotonic + self.unanswered.next(dice.jitter());
        self.step(chunk, sent_at, now, dice)
    }

    /// What a chunk in its turn asks for.
    fn step(&mut self, chunk: GalleryChunk, sent_at: UnixMillis, now: &Now, dice: &mut Dice) -> Vec<SyncOutput> {
        let Some(pending) = &mut self.pending else { return Vec::new() };
        let stamp = pending.stamp;
        let mut latest: BTreeMap<PersonId, PersonChange> =
            chunk.persons.into_iter().map(|change| (change.person, change)).collect();
        if chunk.last && chunk.kind == ChunkKind::Snapshot {
            for person in self.holdings.unnamed(stamp) {
                let gone = || PersonChange { person, rev: chunk.to_rev, templates: Vec::new() };
                latest.entry(person).or_insert_with(gone);
            }
        }
        let changes: Vec<PersonChange> = latest.into_values().collect();
        let digest = self.holdings.digest_after(&changes);
        let walk = chunk.walk.filter(|_| !chunk.last).map(|walk| KeptWalk { walk, stamp });
        let mut head = GalleryHead { digest, walk, ..self.head };
        pending.next = match (chunk.last, digest == chunk.digest) {
            (true, true) => {
                (head.rev, head.proven_at) = (chunk.to_rev, Some(sent_at));
                After::Proven
            }
            (true, false) => After::Disagreed,
            // A server that names no place to go on from sends everything.
            (false, _) if walk.is_some() && pending.next_index >= PAGE_CHUNKS => After::AskOn,
            (false, _) => After::Wait,
        };
        if pending.next == After::Proven && changes.is_empty() && !self.is_worth_writing(&head) {
            return self.finish(now, dice);
        }
        vec![SyncOutput::Apply(Box::new(GalleryStep { changes, stamp, head }))]
    }

    /// Whether a head without changes is to be written: the time of the proof alone seldom is.
    fn is_worth_writing(&self, head: &GalleryHead) -> bool {
        let is_older = |kept: UnixMillis| head.proven_at.is_none_or(|at| at.since_ms(kept) >= PROOF_STEP_MS);
        let before = self.head;
        (head.rev, head.walk) != (before.rev, before.walk) || before.proven_at.is_none_or(is_older)
    }

    /// The walk is at its end and proven.
    fn finish(&mut self, now: &Now, dice: &mut Dice) -> Vec<SyncOutput> {
        self.pending = None;
        self.pages = 0;
        self.snapshot_wanted = false;
        self.disagreed.reset();
        self.proven = Proven { at: self.head.proven_at, in_this_run: Some(now.monotonic) };
        let wait = if self.noticed > self.head.rev {
            NOTICE_JITTER.mul_f64(dice.jitter())
        } else {
            PROVE_EVERY.mul_f64(0.75 + dice.jitter() / 2.0)
        };
        self.noticed = self.head.rev;
        self.ask_at = Some(now.monotonic + wait);
        vec![SyncOutput::Ack(self.ack())]
    }

    /// After changes that do not lead to the server's digest, everything is asked for at once; after a
    /// snapshot that does not either, with a wait that grows.
    fn differ(&mut self, now: &Now, dice: &mut Dice) -> Vec<SyncOutput> {
        let was_all = self.pending.take().is_some_and(|pending| pending.kind == ChunkKind::Snapshot);
        let had_asked_for_all = std::mem::replace(&mut self.snapshot_wanted, true);
        if was_all || had_asked_for_all {
            self.ask_at = Some(now.monotonic + self.disagreed.next(dice.jitter()));
            return vec![SyncOutput::Warn("gallery digests differ even after a snapshot: trying again later".into())];
        }
        let mut outputs = vec![SyncOutput::Warn("gallery digests differ after changes: asking for all".into())];
        outputs.extend(self.ask(now, dice));
        outputs
    }

    /// Nothing held is believed before a snapshot has proven it; that is kept over restarts.
    fn doubt(&mut self, now: &Now) -> Vec<SyncOutput> {
        self.snapshot_wanted = true;
        self.proven = Proven::default();
        let head = GalleryHead { digest: self.holdings.digest(), ..GalleryHead::default() };
        self.pending = Some(Pending {
            request: MsgId(uuid::Uuid::nil()),
            next_index: u32::MAX,
            kind: ChunkKind::Changes,
            stamp: 0,
            next: After::Begin,
            deadline: now.monotonic,
        });
        vec![SyncOutput::Apply(Box::new(GalleryStep { changes: Vec::new(), stamp: 0, head }))]
    }

    /// The present answer is given up; the next is asked for after a wait that grows.
    fn later(&mut self, now: &Now, dice: &mut Dice) {
        self.pending = None;
        self.ask_at = Some(now.monotonic + self.disagreed.next(dice.jitter()));
    }
}

/// The mark of the walk a first chunk belongs to: that of the walk resumed, or a new one if the server began anew.
fn stamp_of(chunk: &GalleryChunk, resumed: Option<KeptWalk>, dice: &mut Dice) -> Stamp {
    if chunk.kind == ChunkKind::Changes {
        return 0;
    }
    let is_same = |kept: &KeptWalk| {
        let began = chunk.walk.map_or(kept.walk.began, |walk| walk.began);
        kept.walk.kind == ChunkKind::Snapshot && began == kept.walk.began
    };
    resumed.filter(is_same).map_or_else(|| dice.roll() | 1, |kept| kept.stamp)
}

#[cfg(test)]
#[path = "gallery_sync_tests.rs"]
mod tests;
