//! Keeping the gallery equal to the server's: ask with what is held, apply what comes in order, prove it by
//! the digest, and ask for everything if the proof fails.
//!
//! Pure: [`GallerySync::handle`] takes what happened and the time, and returns what to do.

use std::collections::BTreeMap;
use std::time::Duration;

use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::{MsgId, PackId, PersonId, TemplateId};
use ostiary_common::wire::{ChunkKind, GalleryAck, GalleryChunk, GalleryRequest, PersonChange, Revision, TemplateRow};

use super::backoff::Backoff;

/// Without progress for this long, the request is made again.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// Devices that hear the same notice spread their requests over this time.
const NOTICE_JITTER: Duration = Duration::from_millis(250);

/// What a device holds: for each person, templates and their versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    persons: BTreeMap<PersonId, Vec<(TemplateId, u32)>>,
    digest: GalleryDigest,
}

impl Holdings {
    /// Takes in a person's templates as they are now; none means gone.
    pub fn set(&mut self, person: PersonId, templates: &[TemplateRow]) {
        for (id, version) in self.persons.remove(&person).unwrap_or_default() {
            self.digest.remove(id, version);
        }
        if templates.is_empty() {
            return;
        }
        for row in templates {
            self.digest.add(row.id, row.version);
        }
        self.persons.insert(person, templates.iter().map(|row| (row.id, row.version)).collect());
    }

    /// The digest over everything held.
    pub const fn digest(&self) -> GalleryDigest {
        self.digest
    }

    /// How many persons.
    pub fn persons(&self) -> usize {
        self.persons.len()
    }

    /// How many templates.
    pub fn templates(&self) -> usize {
        self.persons.values().map(Vec::len).sum()
    }
}

/// What happened.
#[derive(Debug)]
pub enum SyncInput {
    /// A connection stands.
    Connected,
    /// The connection is gone.
    Disconnected,
    /// The server's gallery is at this revision.
    Notice(Revision),
    /// A part of an answer.
    Chunk(GalleryChunk),
    /// An administrator asks for everything anew.
    Resync,
    /// Time has passed.
    Tick,
}

/// A whole answer, proven by its digest, to be made durable and searched from now on.
#[derive(Clone, Debug, PartialEq)]
pub struct GalleryUpdate {
    /// Whether persons not named are gone.
    pub kind: ChunkKind,
    /// The revision reached.
    pub rev: Revision,
    /// What is held afterwards.
    pub holdings: Holdings,
    /// The persons that changed.
    pub persons: Vec<PersonChange>,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum SyncOutput {
    /// Publish this request.
    Request(GalleryRequest),
    /// Make this durable, then call [`GallerySync::applied`].
    Apply(Box<GalleryUpdate>),
    /// Publish this acknowledgement.
    Ack(GalleryAck),
    /// Tell in the log: something is not as it should be.
    Warn(String),
}

#[derive(Debug)]
struct Pending {
    request: MsgId,
    next_index: u32,
    kind: ChunkKind,
    to_rev: Revision,
    persons: Vec<PersonChange>,
    deadline: Duration,
}

/// The device's side of the synchronisation.
#[derive(Debug)]
pub struct GallerySync {
    pack: PackId,
    rev: Revision,
    holdings: Holdings,
    connected: bool,
    pending: Option<Pending>,
    /// When to ask next, if nothing is under way.
    ask_at: Option<Duration>,
    /// Whether the next request is for everything.
    snapshot_wanted: bool,
    backoff: Backoff,
}

impl GallerySync {
    /// Begins with what the cache holds.
    pub const fn new(pack: PackId, rev: Revision, holdings: Holdings) -> Self {
        let backoff = Backoff::new(Duration::from_secs(30), Duration::from_secs(3600));
        Self { pack, rev, holdings, connected: false, pending: None, ask_at: None, snapshot_wanted: false, backoff }
    }

    /// The revision held.
    #[cfg(test)]
    pub const fn rev(&self) -> Revision {
        self.rev
    }

    /// When [`SyncInput::Tick`] is wanted next.
    pub fn wake_at(&self) -> Option<Duration> {
        let pending = self.pending.as_ref().map(|pending| pending.deadline);
        self.connected.then_some(pending.or(self.ask_at)).flatten()
    }

    /// Takes what happened at `now`. `jitter` is a random number in 0..1.
    pub fn handle(&mut self, input: SyncInput, now: Duration, jitter: f64) -> Vec<SyncOutput> {
        match input {
            SyncInput::Connected => {
                self.connected = true;
                self.ask(now)
            }
            SyncInput::Disconnected => {
                self.connected = false;
                self.pending = None;
                Vec::new()
            }
            SyncInput::Notice(rev) => self.noticed(rev, now, jitter),
            SyncInput::Resync => {
                self.snapshot_wanted = true;
                self.pending = None;
                self.ask(now)
            }
            SyncInput::Tick => self.tick(now),
            SyncInput::Chunk(chunk) => self.chunk(chunk, now, jitter),
        }
    }

    /// The update is durable: this is held from now on.
    pub fn applied(&mut self, update: &GalleryUpdate) -> SyncOutput {
        self.rev = update.rev;
        self.holdings = update.holdings.clone();
        SyncOutput::Ack(self.ack())
    }

    fn ack(&self) -> GalleryAck {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        GalleryAck {
            rev: self.rev,
            digest: self.holdings.digest(),
            persons: count(self.holdings.persons()),
            templates: count(self.holdings.templates()),
            proof: None,
        }
    }

    fn noticed(&mut self, rev: Revision, now: Duration, jitter: f64) -> Vec<SyncOutput> {
        if rev == self.rev && !self.snapshot_wanted && self.pending.is_none() {
            // The server does not know what is held here, or doubts it: say it again.
            return vec![SyncOutput::Ack(self.ack())];
        }
        let at = now + NOTICE_JITTER.mul_f64(jitter.clamp(0.0, 1.0));
        self.ask_at = Some(self.ask_at.map_or(at, |earlier| earlier.min(at)));
        Vec::new()
    }

    fn tick(&mut self, now: Duration) -> Vec<SyncOutput> {
        if !self.connected {
            return Vec::new();
        }
        if let Some(pending) = &self.pending {
            if now < pending.deadline {
                return Vec::new();
            }
            self.pending = None;
            return self.ask(now);
        }
        match self.ask_at {
            Some(at) if now >= at => self.ask(now),
            _ => Vec::new(),
        }
    }

    fn ask(&mut self, now: Duration) -> Vec<SyncOutput> {
        if !self.connected || self.pending.is_some() {
            return Vec::new();
        }
        self.ask_at = None;
        let rev = if self.snapshot_wanted { Revision(0) } else { self.rev };
        let request = GalleryRequest {
            request: MsgId::generate(),
            rev,
            digest: self.holdings.digest(),
            pack: self.pack.clone(),
            resume: None,
            most_chunks: None,
        };
        self.pending = Some(Pending {
            request: request.request,
            next_index: 0,
            kind: ChunkKind::Changes,
            to_rev: Revision(0),
            persons: Vec::new(),
            deadline: now + ANSWER_TIMEOUT,
        });
        vec![SyncOutput::Request(request)]
    }

    fn chunk(&mut self, chunk: GalleryChunk, now: Duration, jitter: f64) -> Vec<SyncOutput> {
        let Some(pending) = self.pending.as_mut().filter(|pending| pending.request == chunk.request) else {
            return Vec::new();
        };
        if chunk.pack != self.pack {
            self.pending = None;
            self.ask_at = Some(now + self.backoff.next(jitter));
            let text = format!(
                "the server's templates are of model pack {}, this device runs {}: install the same pack on both",
                chunk.pack, self.pack
            );
            return vec![SyncOutput::Warn(text)];
        }
        if chunk.index != pending.next_index {
            // Out of order or repeated: what is missing is asked for again when the wait is over.
            return Vec::new();
        }
        if chunk.index == 0 {
            (pending.kind, pending.to_rev) = (chunk.kind, chunk.to_rev);
        } else if (pending.kind, pending.to_rev) != (chunk.kind, chunk.to_rev) {
            return Vec::new();
        }
        pending.next_index += 1;
        pending.deadline = now + ANSWER_TIMEOUT;
        pending.persons.extend(chunk.persons);
        if chunk.last { self.finish(chunk.digest, now, jitter) } else { Vec::new() }
    }

    fn finish(&mut self, expected: GalleryDigest, now: Duration, jitter: f64) -> Vec<SyncOutput> {
        let Some(Pending { kind, to_rev, persons, .. }) = self.pending.take() else { return Vec::new() };
        let mut holdings = match kind {
            ChunkKind::Changes => self.holdings.clone(),
            ChunkKind::Snapshot => Holdings::default(),
        };
        for change in &persons {
            holdings.set(change.person, &change.templates);
        }
        if holdings.digest() != expected {
            return self.disagreed(kind, now, jitter);
        }
        self.snapshot_wanted = false;
        self.backoff.reset();
        vec![SyncOutput::Apply(Box::new(GalleryUpdate { kind, rev: to_rev, holdings, persons }))]
    }

    /// After changes that do not lead to the server's digest, everything is asked for at once; after a
    /// snapshot that does not either, with a wait that grows.
    fn disagreed(&mut self, kind: ChunkKind, now: Duration, jitter: f64) -> Vec<SyncOutput> {
        let asked_for_all = std::mem::replace(&mut self.snapshot_wanted, true);
        if kind == ChunkKind::Changes && !asked_for_all {
            let mut outputs = vec![SyncOutput::Warn("gallery digests differ after changes: asking for all".into())];
            outputs.extend(self.ask(now));
            return outputs;
        }
        self.ask_at = Some(now + self.backoff.next(jitter));
        vec![SyncOutput::Warn("gallery digests differ even after a snapshot: trying again later".into())]
    }
}

#[cfg(test)]
#[path = "gallery_sync_tests.rs"]
mod tests;
