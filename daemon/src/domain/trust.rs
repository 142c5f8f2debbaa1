//! Whether the gallery held may be matched against: it was proven equal to the server's not too long ago.
//!
//! A device that was away for months might still know somebody who was removed meanwhile. It matches nobody until
//! the server has confirmed what it holds.

use std::time::Duration;

use ostiary_common::time::UnixMillis;

use super::now::Now;

/// When the gallery held was last proven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proven {
    /// By the server's clock; kept over restarts. `None`: never, or it is doubted.
    pub at: Option<UnixMillis>,
    /// In this run of the program, by the monotonic clock.
    pub in_this_run: Option<Duration>,
}

/// How long a proof lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustRules {
    /// Nothing is matched against a gallery proven longer ago than this.
    pub max_age: Duration,
    /// So long after the start nothing is matched while the age cannot be told, for want of a clock.
    pub unproven_grace: Duration,
}

impl Default for TrustRules {
    fn default() -> Self {
        Self { max_age: Duration::from_secs(30 * 24 * 3600), unproven_grace: Duration::from_secs(120) }
    }
}

/// Whether to match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Proven not long ago.
    Proven,
    /// Its age cannot be told; it is matched against all the same, and that is reported.
    Assumed,
    /// Its age cannot be told yet: wait for the network or a clock.
    Waiting,
    /// Proven too long ago, or doubted.
    Stale,
}

impl Trust {
    /// Whether anybody may be matched.
    #[must_use]
    pub const fn may_match(self) -> bool {
        matches!(self, Self::Proven | Self::Assumed)
    }
}

/// How far the gallery can be trusted now.
#[must_use]
pub fn trust(proven: Proven, now: &Now, rules: &TrustRules) -> Trust {
    if let Some(then) = proven.in_this_run {
        return told(now.monotonic.saturating_sub(then) <= rules.max_age);
    }
    let Some(at) = proven.at else { return Trust::Stale };
    let within = |present: UnixMillis| age(present, at) <= rules.max_age;
    match now.believed() {
        Some(wall) => told(within(wall)),
        None if !within(now.floor) => Trust::Stale,
        None if now.monotonic < rules.unproven_grace => Trust::Waiting,
        None => Trust::Assumed,
    }
}

/// How long ago the gallery was proven, as well as can be told.
#[must_use]
pub fn age_of(proven: Proven, now: &Now) -> Option<Duration> {
    let by_run = proven.in_this_run.map(|then| now.monotonic.saturating_sub(then));
    by_run.or_else(|| Some(age(now.believed().unwrap_or(now.floor), proven.at?)))
}

const fn told(is_recent: bool) -> Trust {
    if is_recent { Trust::Proven } else { Trust::Stale }
}

fn age(present: UnixMillis, then: UnixMillis) -> Duration {
    Duration::from_millis(u64::try_from(present.since_ms(then)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_S: i64 = 24 * 3600;

    /// Proven on day `proven`, in this run `run` seconds after its start; now it is day `wall`, believed or not,
    /// no earlier than day `floor`, `up` seconds after the start.
    fn check(proven: Option<i64>, run: Option<u64>, wall: (i64, bool), floor: i64, up: u64, expected: Trust) {
        let day = |n: i64| UnixMillis(n * DAY_S * 1000);
        let now = Now {
            monotonic: Duration::from_secs(up),
            wall: day(wall.0),
            synced: wall.1,
            floor: day(floor),
            random: 0,
            queued: 0,
        };
        let proof = Proven { at: proven.map(day), in_this_run: run.map(Duration::from_secs) };
        let case = format!("{proven:?} {run:?} {wall:?} {floor} {up}");
        assert_eq!(trust(proof, &now, &TrustRules::default()), expected, "{case}");
    }

    #[test]
    fn only_what_was_proven_lately_is_matched() {
        check(Some(10), None, (11, true), 10, 0, Trust::Proven);
        check(Some(10), None, (40, true), 10, 0, Trust::Proven);
        check(Some(10), None, (41, true), 10, 0, Trust::Stale);
        check(Some(10), None, (9, true), 9, 0, Trust::Proven);
        check(None, None, (11, true), 10, 999, Trust::Stale);
        check(None, Some(5), (900, true), 900, 10, Trust::Proven);
        let days_31 = 31 * 24 * 3600;
        check(Some(10), Some(5), (11, true), 10, days_31, Trust::Stale);
    }

    #[test]
    fn without_a_clock_it_waits_a_little_and_then_goes_on() {
        check(Some(10), None, (10, false), 10, 0, Trust::Waiting);
        check(Some(10), None, (10, false), 10, 119, Trust::Waiting);
        check(Some(10), None, (10, false), 10, 120, Trust::Assumed);
        check(Some(10), None, (900, false), 10, 120, Trust::Assumed);
        check(Some(10), None, (50, false), 50, 120, Trust::Stale);
        check(Some(10), Some(1), (0, false), 0, 2, Trust::Proven);
    }
}
