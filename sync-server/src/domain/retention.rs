//! How long each kind of data is kept. What is older is removed for good; the audit log is cut with a signature.

use std::time::Duration;

use ostiary_common::time::UnixMillis;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest that can be set, in days; beyond it, for good is meant.
pub const MOST_DAYS: u32 = 36_500;

/// A kind of data that has an age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataKind {
    /// Events, with what belongs to them.
    Events,
    /// Pictures and embeddings of visits of somebody known.
    Pictures,
    /// Pictures and embeddings of visits of nobody known.
    Strangers,
    /// Lines of the audit log.
    Audit,
    /// Errors of the program.
    Errors,
    /// Records of consents of persons who were erased.
    Consents,
    /// What people said of events, persons and doors; what is held is kept however old it is.
    Conversations,
    /// What devices were told to do, and what they answered.
    Commands,
}

impl DataKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Events,
        Self::Pictures,
        Self::Strangers,
        Self::Audit,
        Self::Errors,
        Self::Consents,
        Self::Conversations,
        Self::Commands,
    ];

    /// Its name in store, API and figures.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Pictures => "pictures",
            Self::Strangers => "strangers",
            Self::Audit => "audit",
            Self::Errors => "errors",
            Self::Consents => "consents",
            Self::Conversations => "conversations",
            Self::Commands => "commands",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// How many days each kind is kept; `None` is for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Events.
    pub events: Option<u32>,
    /// Pictures and embeddings of visits of somebody known.
    pub pictures: Option<u32>,
    /// The same of nobody known.
    pub strangers: Option<u32>,
    /// Lines of the audit log.
    pub audit: Option<u32>,
    /// Errors of the program.
    pub errors: Option<u32>,
    /// Records of consents, after the person was erased.
    pub consents: Option<u32>,
    /// Conversations after the last word, where nothing else is said of their site.
    pub conversations: Option<u32>,
}

impl Default for Retention {
    /// What few will object to: a year of who passed, a month of pictures to look into what happened, three days of
    /// strangers' faces, a season of errors and of conversations, and proof of consent for as long as claims usually run.
    fn default() -> Self {
        Self {
            events: Some(365),
            pictures: Some(30),
            strangers: Some(3),
            audit: None,
            errors: Some(90),
            consents: Some(1_095),
            conversations: Some(90),
        }
    }
}

impl Retention {
    /// How many days a kind is kept.
    #[must_use]
    pub const fn days(&self, kind: DataKind) -> Option<u32> {
        match kind {
            DataKind::Events => self.events,
            DataKind::Pictures => self.pictures,
            DataKind::Strangers => self.strangers,
            DataKind::Audit => self.audit,
            // What was told to devices, and how it went, is for finding faults.
            DataKind::Errors | DataKind::Commands => self.errors,
            DataKind::Consents => self.consents,
            DataKind::Conversations => self.conversations,
        }
    }

    /// What is older than this is due; `None` if a kind is kept for good.
    #[must_use]
    pub fn limit(&self, kind: DataKind, now: UnixMillis) -> Option<UnixMillis> {
        let kept = i64::try_from((DAY * self.days(kind)?).as_millis()).unwrap_or(i64::MAX);
        Some(UnixMillis(now.0.saturating_sub(kept)))
    }
}

/// The day a moment lies in, counted from 1970 in UTC.
#[must_use]
pub const fn day_of(at: UnixMillis) -> i64 {
    at.0.div_euclid(DAY.as_millis() as i64)
}

/// So much of a kind was removed on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    /// What.
    pub kind: DataKind,
    /// The day, as [`day_of`] counts.
    pub day: i64,
    /// How much.
    pub count: u64,
}

/// What of a kind there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The age of the oldest, as a moment; `None` if there is none.
    pub oldest: Option<UnixMillis>,
    /// How much is due, counted up to a bound.
    pub due: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due() {
        let now = UnixMillis(400 * 86_400_000 + 5);
        let retention = Retention { events: Some(365), audit: None, ..Retention::default() };
        assert_eq!(retention.limit(DataKind::Events, now), Some(UnixMillis(35 * 86_400_000 + 5)));
        assert_eq!(retention.limit(DataKind::Audit, now), None);
        assert_eq!(Retention { errors: Some(0), ..retention }.limit(DataKind::Errors, now), Some(now));
        for (at, day) in [(0, 0), (86_399_999, 0), (86_400_000, 1), (-1, -1)] {
            assert_eq!(day_of(UnixMillis(at)), day, "{at}");
        }
        for kind in DataKind::ALL {
            assert_eq!(DataKind::parse(kind.as_str()), Some(kind));
        }
    }
}
