//! Mending who is who: two persons who are one are merged, one who is two is split, and either can be undone for a while.

use std::time::Duration;

use ostiary_common::ids::{PersonChangeId, PersonId, TemplateId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;

use super::audit::AuditNote;
use super::consent::Consent;
use super::person::Person;

/// How long a change can be undone.
pub const UNDO_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MendingKind {
    /// `source` went into `target`.
    Merge,
    /// `target` was made of a part of `source`.
    Split,
}

impl MendingKind {
    /// The kind's name in store and API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Split => "split",
        }
    }

    /// Reads a kind's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Merge, Self::Split].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A change of who is who.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mending {
    /// Id.
    pub id: PersonChangeId,
    /// What was done.
    pub kind: MendingKind,
    /// Who there was.
    pub source: PersonId,
    /// Who there is.
    pub target: PersonId,
    /// By whom, as the audit log names them.
    pub made_by: String,
    /// When.
    pub made_at: UnixMillis,
    /// Until when it can be undone.
    pub undo_until: UnixMillis,
    /// When it was undone.
    pub undone_at: Option<UnixMillis>,
    /// When what could have been undone was thrown away.
    pub settled_at: Option<UnixMillis>,
}

impl Mending {
    /// Whether it can be undone now.
    #[must_use]
    pub fn is_open(&self, now: UnixMillis) -> bool {
        self.undone_at.is_none() && self.settled_at.is_none() && now < self.undo_until
    }
}

/// Two persons are one.
#[derive(Clone, Debug)]
pub struct MergeOrder {
    /// The change's id.
    pub id: PersonChangeId,
    /// Who is not a person of their own any more.
    pub source: PersonId,
    /// Who both are.
    pub target: PersonId,
    /// Now.
    pub now: UnixMillis,
    /// The line in the audit log; one each for either of them is written.
    pub note: AuditNote,
}

/// One person is two.
#[derive(Clone, Debug)]
pub struct SplitOrder {
    /// The change's id.
    pub id: PersonChangeId,
    /// Of whom.
    pub source: PersonId,
    /// Who comes into being.
    pub person: Person,
    /// That they have agreed.
    pub consent: Consent,
    /// The templates that are theirs.
    pub templates: Vec<TemplateId>,
    /// Now.
    pub now: UnixMillis,
    /// The line in the audit log; one each for either of them is written.
    pub note: AuditNote,
}

/// What became of an undoing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undone {
    /// All is as before, at this revision.
    Done(Revision),
    /// It is undone already, or too old.
    TooLate,
    /// Something was built on it since: a later change of the same persons, or a photo of who came into being.
    BuiltUpon,
}
