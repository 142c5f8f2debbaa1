//! How failed log-ins are slowed: exponentially, per account and address together, per account, and per address.
//!
//! Guessing must become hopeless, and nobody must be able to lock somebody else out. So failures are counted by three
//! subjects, and who has logged in from an address before ([`Place::Known`]) is judged by his own failures there alone:
//! a flood of guesses at his account from elsewhere does not reach him.

use std::time::Duration;

use ostiary_common::time::UnixMillis;

/// What failures are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An account at an address.
    Pair,
    /// An account, from everywhere.
    Account,
    /// An address, at every account.
    Address,
    /// The second step of an account, whose first is known to whoever gets there.
    SecondFactor,
}

/// Whether somebody has logged in to this account from this address before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Yes.
    Known,
    /// No.
    New,
}

/// Failures of a subject so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// How many, since the last quiet day.
    pub count: u32,
    /// When the last one was.
    pub last_at: UnixMillis,
    /// Nothing is tried before.
    pub blocked_until: UnixMillis,
}

/// Failures are forgotten when none came for so long.
pub const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 3600);
/// A place stays known for so long after the last log-in from there.
pub const KNOWN_FOR: Duration = Duration::from_secs(90 * 24 * 3600);

const FIRST_PAUSE: Duration = Duration::from_secs(1);

impl Subject {
    /// Failures let through without a pause: people mistype, and many people share an address.
    const fn free(self) -> u32 {
        match self {
            Self::Pair | Self::SecondFactor => 5,
            Self::Account => 20,
            Self::Address => 30,
        }
    }

    /// The longest pause.
    const fn longest(self) -> Duration {
        match self {
            Self::Pair | Self::Account => Duration::from_secs(15 * 60),
            Self::Address | Self::SecondFactor => Duration::from_secs(3600),
        }
    }

    /// Whether it holds for somebody from this place.
    #[must_use]
    pub const fn holds_for(self, place: Place) -> bool {
        match (self, place) {
            (Self::Pair | Self::SecondFactor, _) | (_, Place::New) => true,
            (Self::Account | Self::Address, Place::Known) => false,
        }
    }
}

impl Failures {
    /// How long nothing is to be tried from `now`; `None` if it may be tried.
    #[must_use]
    pub fn blocked_for(&self, now: UnixMillis) -> Option<Duration> {
        let left_ms = u64::try_from(self.blocked_until.since_ms(now)).unwrap_or(0);
        // A clock that was set back must not make a pause longer than the longest there is.
        let left = Duration::from_millis(left_ms).min(Subject::Address.longest());
        (!left.is_zero()).then_some(left)
    }

    /// After one more.
    #[must_use]
    pub fn and_one(self, subject: Subject, now: UnixMillis) -> Self {
        let quiet_ms = u64::try_from(now.since_ms(self.last_at)).unwrap_or(0);
        let before = if Duration::from_millis(quiet_ms) >= FORGOTTEN_AFTER { 0 } else { self.count };
        let count = before.saturating_add(1);
        Self { count, last_at: now, blocked_until: now.plus(pause(subject, count)) }
    }
}

/// The pause after the `count`th failure: none for the first ones, then a second, doubled with each.
fn pause(subject: Subject, count: u32) -> Duration {
    match count.checked_sub(subject.free()) {
        None => Duration::ZERO,
        Some(beyond) => FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(beyond)).min(subject.longest()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

    #[test]
    fn pauses_double_up_to_a_bound() {
        let check =
            |subject, count, seconds| assert_eq!(pause(subject, count).as_secs(), seconds, "{subject:?} {count}");
        check(Subject::Pair, 4, 0);
        check(Subject::Pair, 5, 1);
        check(Subject::Pair, 6, 2);
        check(Subject::Pair, 10, 32);
        check(Subject::Pair, 15, 900);
        check(Subject::Pair, u32::MAX, 900);
        check(Subject::Account, 19, 0);
        check(Subject::Account, 20, 1);
        check(Subject::Address, 42, 3600);
        check(Subject::SecondFactor, 5, 1);
    }

    #[test]
    fn a_day_of_quiet_is_forgiven() {
        let mut failures = Failures::default();
        for _ in 0..7 {
            failures = failures.and_one(Subject::Pair, NOW);
        }
        assert_eq!((failures.count, failures.blocked_for(NOW)), (7, Some(Duration::from_secs(4))));
        assert_eq!(failures.blocked_for(NOW.plus(Duration::from_secs(4))), None);
        assert_eq!(failures.and_one(Subject::Pair, NOW.plus(FORGOTTEN_AFTER)).count, 1);
        let set_back = UnixMillis(0);
        assert_eq!(failures.blocked_for(set_back), Some(Duration::from_secs(3600)));
    }

    #[test]
    fn who_was_there_before_is_not_blocked_by_others() {
        for (subject, known) in
            [(Subject::Pair, true), (Subject::Account, false), (Subject::Address, false), (Subject::SecondFactor, true)]
        {
            assert!(subject.holds_for(Place::New));
            assert_eq!(subject.holds_for(Place::Known), known, "{subject:?}");
        }
    }

    /// A guesser who tries as fast as he is let, from as many addresses as there are.
    #[test]
    fn a_year_of_guessing_is_no_more_than_tens_of_thousands() {
        let (mut failures, mut now, mut guesses) = (Failures::default(), NOW, 0_u32);
        let end = NOW.plus(Duration::from_secs(365 * 86_400));
        while now < end {
            failures = failures.and_one(Subject::Account, now);
            guesses += 1;
            now = failures.blocked_until.max(now.plus(Duration::from_millis(1)));
        }
        assert!(guesses < 40_000, "{guesses}");
    }
}
