//! How a consent ends, and what follows.

use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;

use super::ConsentMethod;

/// How a consent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedHow {
    /// A newer one took its place.
    Superseded,
    /// The person withdrew it.
    Withdrawn,
    /// The person was erased.
    Erased,
}

impl EndedHow {
    /// Its name in store and API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Superseded => "superseded",
            Self::Withdrawn => "withdrawn",
            Self::Erased => "erased",
        }
    }

    /// Reads it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Superseded, Self::Withdrawn, Self::Erased].into_iter().find(|how| how.as_str() == text)
    }
}

/// The end of a consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentEnd {
    /// When.
    pub at: UnixMillis,
    /// How.
    pub how: EndedHow,
    /// How it was withdrawn, if it was.
    pub method: Option<ConsentMethod>,
    /// Recorded by whom: an actor of the audit log.
    pub by: String,
    /// What else was said. Sealed with the person's key.
    pub note: String,
}

/// A withdrawal that is to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// How it was said.
    pub method: ConsentMethod,
    /// What else was said, or empty.
    pub note: String,
    /// By whom it is recorded.
    pub by: String,
    /// When.
    pub at: UnixMillis,
}

/// What became of a withdrawal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawn {
    /// Nobody may know the person from this revision on; the person is erased then.
    Done {
        /// The gallery's new revision.
        rev: Revision,
        /// When the person is erased.
        erase_at: UnixMillis,
    },
    /// It had ended before.
    EndedBefore(EndedHow),
}
