//! When what is done every night is to be done again.

use ostiary_common::time::UnixMillis;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// Which night it is: each begins with the minute of the day (UTC).
#[must_use]
pub fn night(minute_of_day: u32, now: UnixMillis) -> i64 {
    (now.0 - i64::from(minute_of_day) * MINUTE_MS).div_euclid(DAY_MS)
}

/// Whether it is due: since it was last begun, the minute of the day (UTC) has come. What was never begun waits for its
/// minute after `since`.
#[must_use]
pub fn is_due(minute_of_day: u32, last: Option<UnixMillis>, since: UnixMillis, now: UnixMillis) -> bool {
    let latest = night(minute_of_day, now) * DAY_MS + i64::from(minute_of_day) * MINUTE_MS;
    let last = last.map_or(since, |last| last.max(since));
    // A clock that was set back must not leave nights out.
    last.0 < latest || last.0 > now.0 + DAY_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_once_a_day() {
        let at = |day: i64, minute: i64| UnixMillis(day * DAY_MS + minute * MINUTE_MS);
        let check = |last: Option<UnixMillis>, since: UnixMillis, now: UnixMillis, expected: bool| {
            assert_eq!(is_due(150, last, since, now), expected, "{last:?} {since:?} {now:?}");
        };
        check(None, at(5, 0), at(5, 149), false);
        check(None, at(5, 0), at(5, 150), true);
        check(None, at(5, 151), at(5, 160), false);
        check(Some(at(5, 150)), at(5, 0), at(6, 149), false);
        check(Some(at(5, 150)), at(5, 0), at(6, 150), true);
        // The server was down that night.
        check(Some(at(3, 150)), at(3, 0), at(5, 0), true);
        check(Some(at(9, 150)), at(3, 0), at(5, 0), true);
    }
}
