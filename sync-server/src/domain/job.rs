//! Work that goes on after the answer: a job consists of items, each of which ends exactly once.
//!
//! An item waits, is leased to one server under a number that rises with each lease (the fence), and ends as done,
//! refused or given up; its outcome and what it changes commit together, under that number only. Start reading at
//! [`Job`]; [`retry`] says when an item that failed is tried again, [`pace`] how long a job will take.

mod kind;
pub mod nightly;
pub mod pace;
pub mod retry;

use std::fmt;

use ostiary_common::ids::{PackId, PersonId, TemplateId, UserId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;
use ostiary_models::face_crop::FaceCrop;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::kind::{JobKind, Lane};
use super::audit::{AuditEntry, AuditNote, AuditTrace};
use super::model_pack::PackRefusal;
use super::person::Template;

/// A job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub Uuid);

impl JobId {
    /// A new id, ordered by the present time.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id's 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Not all of its items are there yet.
    Filling,
    /// Its items are worked on, or wait for that.
    Ready,
    /// None of its items is begun.
    Paused,
    /// Every item has ended.
    Done,
    /// What had not ended never will.
    Cancelled,
}

impl JobState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Filling, Self::Ready, Self::Paused, Self::Done, Self::Cancelled];

    /// Its name in store and API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Filling => "filling",
            Self::Ready => "ready",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads a state's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether nothing will change by itself any more.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }
}

/// How an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemState {
    /// Nobody works on it.
    Waiting,
    /// A server works on it.
    Leased,
    /// It did what it was to do.
    Done,
    /// It was looked at and turned down, for a reason that trying again does not mend.
    Refused,
    /// It failed too often: a dead letter, to be looked at and put back.
    Dead,
    /// The job was cancelled before.
    Cancelled,
}

impl ItemState {
    /// Every state.
    pub const ALL: [Self; 6] = [Self::Waiting, Self::Leased, Self::Done, Self::Refused, Self::Dead, Self::Cancelled];

    /// Its name in store and API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Leased => "leased",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads a state's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A job as it stands.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// How it stands.
    pub state: JobState,
    /// Who asked for it; `None` if the server did.
    pub account: Option<UserId>,
    /// The one person it is about, if it is.
    pub person: Option<PersonId>,
    /// The server on whose disk lies what was uploaded; empty if any can do the work.
    pub node: String,
    /// What was asked, as its kind writes it.
    pub plan: Vec<u8>,
    /// How far it is.
    pub counts: Counts,
    /// The lowest phase that has items left; `None` if none has.
    pub phase: Option<u32>,
    /// Asked for at.
    pub created_at: UnixMillis,
    /// First worked on at.
    pub began_at: Option<UnixMillis>,
    /// Over since.
    pub ended_at: Option<UnixMillis>,
    /// Forgotten at.
    pub keep_until: Option<UnixMillis>,
    /// Since when, and from how many ended items on, its pace is measured.
    pub paced: Option<(UnixMillis, u64)>,
}

/// How many items a job has, and how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub items: u64,
    /// Done.
    pub done: u64,
    /// Refused.
    pub refused: u64,
    /// Given up.
    pub dead: u64,
}

impl Counts {
    /// Items that have ended.
    #[must_use]
    pub const fn ended(&self) -> u64 {
        self.done + self.refused + self.dead
    }

    /// Items that have not.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.items.saturating_sub(self.ended())
    }
}

/// A job to be queued.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// Who asked for it.
    pub account: Option<UserId>,
    /// The one person it is about, if it is.
    pub person: Option<PersonId>,
    /// The server on whose disk lies what was uploaded; empty if any can do the work.
    pub node: String,
    /// What was asked, as its kind writes it; sealed in the store.
    pub plan: Vec<u8>,
    /// Now.
    pub created_at: UnixMillis,
}

/// An item to be queued.
#[derive(Clone, Debug, Default)]
pub struct NewItem {
    /// Items of a lower phase go first, all of them; but while small ones ([`JobKind::is_small`]) are done, those of the next
    /// phase whose parent has ended begin.
    pub phase: u32,
    /// The number of an earlier item whose person this one is about.
    pub parent: Option<u64>,
    /// What is to be done, as its kind writes it; sealed in the store, gone with the outcome.
    pub task: Vec<u8>,
}

/// The right to work on an item until it runs out, is taken away, or is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// Of which job.
    pub job: JobId,
    /// Which item.
    pub n: u64,
    /// The number that makes it valid.
    pub fence: u64,
}

/// An item handed out to be worked on.
#[derive(Clone, Debug)]
pub struct ClaimedItem {
    /// The right to.
    pub lease: Lease,
    /// What the job does.
    pub kind: JobKind,
    /// Its phase.
    pub phase: u32,
    /// Who asked for it.
    pub account: Option<UserId>,
    /// Whom it is about: the job's person, or the one its parent ended with.
    pub person: Option<PersonId>,
    /// How the parent ended, if there is one.
    pub parent: Option<ItemState>,
    /// What was asked for the job.
    pub plan: Vec<u8>,
    /// What is to be done.
    pub task: Vec<u8>,
    /// How often it failed before.
    pub failures: u32,
}

/// An item as it stands.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its number in the job, from 0 on.
    pub n: u64,
    /// Its phase.
    pub phase: u32,
    /// How it stands.
    pub state: ItemState,
    /// Whom it was about, if that is known and the person is still there.
    pub person: Option<PersonId>,
    /// How often it failed.
    pub failures: u32,
    /// Not begun before this time.
    pub due_at: UnixMillis,
    /// Why it ended as it did: a stable word, or empty.
    pub reason: String,
    /// What became of it, as its kind writes it; empty if nothing did yet.
    pub outcome: Vec<u8>,
    /// Ended at.
    pub ended_at: Option<UnixMillis>,
}

/// How an item ends, or goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemEnd {
    /// It did what it was to do.
    Done,
    /// It was turned down.
    Refused,
    /// It failed and is tried again from this time on.
    Again(UnixMillis),
    /// It failed too often.
    Dead,
}

/// What becomes of an item: its end and everything that changes with it, committed together.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// How it ends.
    pub end: ItemEnd,
    /// Why: a stable word, for programs and counts.
    pub reason: String,
    /// What became of it, as its kind writes it; sealed in the store.
    pub outcome: Vec<u8>,
    /// Whom it was about, if it was about somebody.
    pub person: Option<PersonId>,
    /// What it changes.
    pub effects: Vec<Effect>,
}

impl Settlement {
    /// Lines of the audit log that go with it.
    pub fn notes(&self) -> impl Iterator<Item = (&AuditEntry, &AuditTrace)> {
        self.effects.iter().filter_map(|effect| match effect {
            Effect::Note(note) => Some((&note.entry, &note.trace)),
            _ => None,
        })
    }
}

/// What an item changes.
#[derive(Clone, Debug)]
pub enum Effect {
    /// A template comes, and these of the same person go.
    Template {
        /// The new one; its photo must not have made one of the person yet.
        add: Box<Template>,
        /// The picture of its face, if that is to be kept.
        crop: Option<FaceCrop>,
        /// Templates it takes the place of.
        instead_of: Vec<TemplateId>,
    },
    /// A template of another pack, made of a kept picture.
    Shadow(Box<Template>),
    /// A pack could make none of a kept picture.
    ShadowRefused {
        /// Which pack.
        pack: PackId,
        /// Which picture, and why.
        refusal: PackRefusal,
    },
    /// A pack was compared with the one in force.
    Compared {
        /// Which pack.
        pack: PackId,
        /// What came out, JSON without a name in it.
        report: String,
    },
    /// A person is made or changed.
    Person(Box<super::import::ImportedPerson>),
    /// A line in the audit log.
    Note(Box<AuditNote>),
}

/// What committing an item led to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// The gallery's new revision, if it has one.
    pub rev: Option<Revision>,
    /// Whether that was the job's last item.
    pub is_last: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for state in JobState::ALL {
            assert_eq!(JobState::parse(state.as_str()), Some(state));
        }
        for state in ItemState::ALL {
            assert_eq!(ItemState::parse(state.as_str()), Some(state));
        }
        for kind in JobKind::ALL {
            assert_eq!(JobKind::parse(kind.as_str()), Some(kind));
        }
    }

    #[test]
    fn what_has_ended_is_not_left() {
        let counts = Counts { items: 10, done: 3, refused: 2, dead: 1 };
        assert_eq!((counts.ended(), counts.left()), (6, 4));
    }
}
