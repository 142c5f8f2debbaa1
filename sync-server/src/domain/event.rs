//! Events as stored, and what ingest decides.

use ostiary_common::ids::{DeviceId, DoorId, EventId, PersonId, SiteId, StreamId, UnknownId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{EventBatch, EventRecord, OutcomeKind};

use super::judgement::Verdict;

/// An event as stored.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    /// Position in the store, rising in the order of commit: the cursor of lists and of the live feed.
    pub cursor: i64,
    /// The device.
    pub device: DeviceId,
    /// Where, at the time of ingest.
    pub site: SiteId,
    /// Where, at the time of ingest.
    pub door: DoorId,
    /// The stream.
    pub stream: StreamId,
    /// When it happened, placed by the server where the device's clock could not be believed.
    pub at: UnixMillis,
    /// When the device sent it, on the same clock as `at`; `None` where the device's clocks cannot tell.
    pub published_at: Option<UnixMillis>,
    /// Committed at.
    pub stored_at: UnixMillis,
    /// Whose visit it is as far as is known now: whom the device named, or who people said it was since.
    pub person: Option<PersonId>,
    /// That person's name at the time of reading.
    pub person_name: Option<String>,
    /// The unknown visitor it was put together as.
    pub unknown: Option<UnknownId>,
    /// What people say of it, if they do.
    pub verdict: Option<Verdict>,
    /// Set if the face is nearer to one the person was mistaken for before than to the person: how near, cosine.
    pub doubt: Option<f32>,
    /// What the device sent; the crop is left out and comes by [`EventStore::crop`](crate::ports::EventStore::crop).
    pub record: EventRecord,
    /// Whether there is a crop.
    pub has_crop: bool,
}

impl StoredEvent {
    /// How the visit ended; `None` for a device's word about itself.
    pub fn outcome(&self) -> Option<OutcomeKind> {
        self.record.visit.as_ref().map(|visit| visit.outcome)
    }

    /// Whether it was people who said whose visit it is, and not the device.
    pub fn is_attributed(&self) -> bool {
        let named = self.record.visit.as_ref().and_then(|visit| visit.matched).map(|matched| matched.person);
        self.person.is_some() && self.person != named
    }

    /// What it is about.
    pub fn kind(&self) -> EventKind {
        EventKind::of(&self.record)
    }
}

/// What an event is about: how a visit ended, or a device's word about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Someone of the gallery.
    Match,
    /// A face good enough to judge, of nobody in the gallery.
    Unknown,
    /// A picture, a screen, a mask.
    SpoofSuspected,
    /// No face good enough to judge.
    Unusable,
    /// A device's word about itself.
    Report,
    /// Of a kind newer than this program.
    Other,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Match, Self::Unknown, Self::SpoofSuspected, Self::Unusable, Self::Report, Self::Other];

    /// What a record is about.
    pub fn of(record: &EventRecord) -> Self {
        match (&record.visit, &record.report) {
            (Some(visit), _) => match visit.outcome {
                OutcomeKind::Match => Self::Match,
                OutcomeKind::Unknown => Self::Unknown,
                OutcomeKind::SpoofSuspected => Self::SpoofSuspected,
                OutcomeKind::Unusable => Self::Unusable,
                OutcomeKind::Other => Self::Other,
            },
            (None, Some(_)) => Self::Report,
            (None, None) => Self::Other,
        }
    }

    /// The kind's name in store and API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Unknown => "unknown",
            Self::SpoofSuspected => "spoof_suspected",
            Self::Unusable => "unusable",
            Self::Report => "report",
            Self::Other => "other",
        }
    }

    /// Reads a kind's name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// How alike a visit's face is to the person named, or, of an unknown, to the nearest one; `None` if there is none.
#[must_use]
pub fn score_of(record: &EventRecord) -> Option<f64> {
    let visit = record.visit.as_ref()?;
    let candidate = visit.matched.as_ref().or(visit.nearest.as_ref())?;
    Some(f64::from(candidate.similarity))
}

/// What to store of a batch, with where it came from.
#[derive(Clone, Debug)]
pub struct Ingest {
    /// The device, as the broker knows it, not as the message claims.
    pub device: DeviceId,
    /// The batch.
    pub batch: EventBatch,
    /// Numbers between the batch's that were not taken and never will be: they leave no hole.
    pub rejected: Vec<u64>,
    /// When the device sent the batch, by its own clock.
    pub sent_at: UnixMillis,
    /// Server time.
    pub received_at: UnixMillis,
}

/// What became of a batch once committed.
#[derive(Clone, Debug, PartialEq)]
pub struct Ingested {
    /// Everything of the stream up to here is stored.
    pub upto_seq: u64,
    /// Set if a hole is left before what came: the first number missing.
    pub missing_from: Option<u64>,
    /// Events stored now.
    pub stored: Vec<EventId>,
    /// Events that were there already.
    pub duplicates: usize,
}

/// A hole in a stream that was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptedGap {
    /// The first number that never came.
    pub first: u64,
    /// The last number that never came.
    pub last: u64,
    /// Everything of the stream up to here is now stored or given up: what to acknowledge.
    pub upto_seq: u64,
}

/// Which events a list wants. Absent means any.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Of this device.
    pub device: Option<DeviceId>,
    /// At this door.
    pub door: Option<DoorId>,
    /// Visits of this person.
    pub person: Option<PersonId>,
    /// Visits put together as this unknown visitor.
    pub unknown: Option<UnknownId>,
    /// At doors of this site.
    pub site: Option<SiteId>,
    /// Visits with one of these outcomes, or devices' words about themselves; empty for any.
    pub kinds: Vec<EventKind>,
    /// That happened from this time on.
    pub from: Option<UnixMillis>,
    /// That happened before this time.
    pub until: Option<UnixMillis>,
    /// With this score (see [`score_of`]) or a greater one.
    pub score_from: Option<f64>,
    /// With this score or a smaller one.
    pub score_to: Option<f64>,
}

/// A position in a list by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventPosition {
    /// When the event happened.
    pub at: UnixMillis,
    /// Its place among events of the same time.
    pub cursor: i64,
}

impl EventPosition {
    /// After every event.
    pub const END: Self = Self { at: UnixMillis(i64::MAX), cursor: i64::MAX };
}

/// Which page of a list by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimePage {
    /// The newest first, before this position (or from the newest).
    Older(Option<EventPosition>),
    /// The oldest first, after this position.
    Newer(EventPosition),
}

/// How many events of a kind there were in a quarter of an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventTally {
    /// When the quarter began.
    pub at: UnixMillis,
    /// The kind.
    pub kind: EventKind,
    /// How many.
    pub count: u64,
}

/// Which page of a list, by cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The newest first, below this cursor (or from the newest).
    Before(Option<i64>),
    /// The oldest first, above this cursor.
    After(i64),
}
