//! How a part of the server is: what was found, and what to do about it. The judgements are here, the looking is not.

mod replicas;

use std::time::Duration;

use ostiary_common::time::UnixMillis;

pub use self::replicas::replicas;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It works.
    Ok,
    /// It works, but not well, or not for long.
    Degraded,
    /// It does not work.
    Failed,
}

impl Level {
    /// Every level, the best first.
    pub const ALL: [Self; 3] = [Self::Ok, Self::Degraded, Self::Failed];

    /// Its name in API and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
        }
    }
}

/// What was found of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// Why, with the values; empty if it works.
    pub cause: String,
    /// What to do; empty if it works.
    pub advice: String,
}

impl Finding {
    /// It works.
    #[must_use]
    pub const fn ok() -> Self {
        Self { level: Level::Ok, cause: String::new(), advice: String::new() }
    }

    /// It works, but not well, or not for long.
    pub fn degraded(cause: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { level: Level::Degraded, cause: cause.into(), advice: advice.into() }
    }

    /// It does not work.
    pub fn failed(cause: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { level: Level::Failed, cause: cause.into(), advice: advice.into() }
    }

    /// The worse of two; the first if they are equal.
    #[must_use]
    pub fn or_worse(self, other: Self) -> Self {
        if other.level > self.level { other } else { self }
    }
}

const MIB: u64 = 1024 * 1024;
/// Below this a database cannot be trusted to take what a busy morning brings.
const DISK_LOW_BYTES: u64 = 2048 * MIB;
const DISK_OUT_BYTES: u64 = 256 * MIB;

/// The room left where the data lies. A small disk is low at a tenth of its size.
#[must_use]
pub fn disk(free_bytes: u64, total_bytes: u64) -> Finding {
    let low = DISK_LOW_BYTES.min(total_bytes / 10);
    let out = DISK_OUT_BYTES.min(total_bytes / 50);
    let cause = format!("{} MiB of {} MiB are free in the data directory", free_bytes / MIB, total_bytes / MIB);
    let advice = "free or add space; events are refused when there is none, and wait in the devices";
    match free_bytes {
        free if free < out => Finding::failed(cause, advice),
        free if free < low => Finding::degraded(cause, advice),
        _ => Finding::ok(),
    }
}

/// Before this moment the program did not exist.
const NOT_BEFORE: UnixMillis = UnixMillis(1_760_000_000_000);
/// A step of the clock that somebody should know of.
const JUMP: Duration = Duration::from_secs(5);

/// What the wall clock did against time that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    /// When it was noticed, by the clock after it.
    pub at: UnixMillis,
    /// Forwards, or backwards if negative, in milliseconds.
    pub by_ms: i64,
}

/// The jump between two looks at both clocks, if there was one worth telling.
#[must_use]
pub fn jump(before: (UnixMillis, Duration), now: (UnixMillis, Duration)) -> Option<Jump> {
    let passed = i64::try_from(now.1.saturating_sub(before.1).as_millis()).unwrap_or(i64::MAX);
    let by_ms = now.0.since_ms(before.0).saturating_sub(passed);
    (by_ms.unsigned_abs() > JUMP.as_millis() as u64).then_some(Jump { at: now.0, by_ms })
}

/// Whether the clock can be believed.
#[must_use]
pub fn clock(now: UnixMillis, last_jump: Option<Jump>) -> Finding {
    if now < NOT_BEFORE {
        let cause = format!("it is {now} here, before this program was made");
        return Finding::failed(cause, "set the clock and have it kept (systemd-timesyncd, chrony): no token is valid");
    }
    match last_jump {
        Some(Jump { at, by_ms }) => Finding::degraded(
            format!("the clock jumped by {:.1} s, noticed at {at}", by_ms as f64 / 1000.0),
            "have the clock kept (systemd-timesyncd, chrony); times around the jump are doubtful",
        ),
        None => Finding::ok(),
    }
}

const DAY_MS: i64 = 86_400_000;
/// What ends within this time should have been renewed by itself.
const RENEWAL_OVERDUE_DAYS: i64 = 14;

/// A certificate that ends, and who renews it.
#[must_use]
pub fn certificate(name: &str, ends_at: UnixMillis, now: UnixMillis, advice: &str) -> Finding {
    let days = ends_at.since_ms(now).div_euclid(DAY_MS);
    match days {
        days if days < 0 => Finding::failed(format!("{name} ended at {ends_at}"), advice),
        days if days < RENEWAL_OVERDUE_DAYS => {
            Finding::degraded(format!("{name} ends in {days} days, at {ends_at}"), advice)
        }
        _ => Finding::ok(),
    }
}

/// Refusals within a minute that look like somebody trying.
const REFUSALS_HIGH: u64 = 120;

/// How many requests and messages were refused within the last minute.
#[must_use]
pub fn refusals(within_a_minute: u64) -> Finding {
    if within_a_minute < REFUSALS_HIGH {
        return Finding::ok();
    }
    Finding::degraded(
        format!("{within_a_minute} requests or messages were refused within a minute"),
        "see the audit log for who, from where and why: a misconfigured client, or somebody trying",
    )
}

/// Devices that went without a word.
#[must_use]
pub fn fleet(active: u64, online: u64, lost: u64) -> Finding {
    let cause = format!("of {active} devices {online} are connected, {lost} went without a word");
    let advice = "see /api/v1/devices for which; power and network at their doors come first";
    match lost {
        0 => Finding::ok(),
        lost if lost == active => Finding::failed(cause, advice),
        _ => Finding::degraded(cause, advice),
    }
}

/// Open faults that occurred lately.
#[must_use]
pub fn faults(lately: u64) -> Finding {
    if lately == 0 {
        return Finding::ok();
    }
    Finding::degraded(
        format!("{lately} kinds of errors occurred within the last hour"),
        "see /api/v1/errors; resolve those dealt with",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

    #[test]
    fn a_disk_is_judged_by_what_is_left() {
        let check = |free_mib: u64, total_mib: u64, expected: Level| {
            assert_eq!(disk(free_mib * MIB, total_mib * MIB).level, expected, "{free_mib} of {total_mib}");
        };
        check(500_000, 1_000_000, Level::Ok);
        check(2_000, 1_000_000, Level::Degraded);
        check(200, 1_000_000, Level::Failed);
        check(1_000, 4_000, Level::Ok);
        check(300, 4_000, Level::Degraded);
        check(70, 4_000, Level::Failed);
        check(0, 0, Level::Ok);
    }

    #[test]
    fn a_clock_that_jumps_is_noticed() {
        let at = |wall_s: i64, mono_s: u64| (UnixMillis(NOW.0 + wall_s * 1000), Duration::from_secs(mono_s));
        let check = |now: (UnixMillis, Duration), expected: Option<i64>| {
            assert_eq!(jump(at(0, 100), now).map(|jump| jump.by_ms), expected);
        };
        check(at(10, 110), None);
        check(at(14, 110), None);
        check(at(16, 110), Some(6_000));
        check(at(-3_600, 110), Some(-3_610_000));
        assert_eq!(clock(NOW, None).level, Level::Ok);
        assert_eq!(clock(UnixMillis(0), None).level, Level::Failed);
        assert_eq!(
            clock(NOW, jump(at(0, 0), at(60, 0))).cause,
            format!("the clock jumped by 60.0 s, noticed at {}", NOW.plus(Duration::from_secs(60)))
        );
    }

    #[test]
    fn certificates_refusals_and_fleet_have_their_bounds() {
        let ends = |days: i64| certificate("it", UnixMillis(NOW.0 + days * DAY_MS), NOW, "renew").level;
        assert_eq!(
            [ends(30), ends(14), ends(13), ends(0), ends(-1)],
            [Level::Ok, Level::Ok, Level::Degraded, Level::Degraded, Level::Failed]
        );
        assert_eq!(
            [refusals(0).level, refusals(119).level, refusals(120).level],
            [Level::Ok, Level::Ok, Level::Degraded]
        );
        let of = |active, online, lost| fleet(active, online, lost).level;
        assert_eq!(
            [of(0, 0, 0), of(9, 9, 0), of(9, 8, 1), of(9, 0, 9)],
            [Level::Ok, Level::Ok, Level::Degraded, Level::Failed]
        );
        assert_eq!([faults(0).level, faults(1).level], [Level::Ok, Level::Degraded]);
    }
}
