//! Placing an event in time when the device's clock cannot be believed.
//!
//! A board without a battery clock boots in the past. Its monotonic clock still counts, so one offset per boot
//! places every event of that boot.

use std::time::Duration;

use ostiary_common::time::UnixMillis;
use ostiary_common::wire::EventTime;

/// How far a believed clock may run ahead of ours before we stop believing it.
const AHEAD_AT_MOST: Duration = Duration::from_secs(5 * 60);

/// Two exact offsets this close are the same: clocks are told in whole milliseconds and trimmed a little all the time, and
/// a device's offset is not written anew with each of its batches for that.
const SAME_MS: u64 = 250;

/// What is known of one boot: server wall time at the device's monotonic zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootOffset {
    /// Milliseconds since the epoch when the monotonic clock stood at zero.
    pub zero: UnixMillis,
    /// Whether it comes from a wall time the device believed, not only from when a message arrived.
    pub exact: bool,
}

impl BootOffset {
    /// What one event tells of its boot. An arrival is an upper bound, since a message is never early.
    pub fn learned(time: &EventTime, received_at: UnixMillis) -> Self {
        let exact = believable(time, received_at);
        let at = if exact { time.wall } else { received_at };
        Self { zero: minus(at, time.monotonic_ms), exact }
    }

    /// The better of two: exact before bound, the newer exact one (the clock may have been set right since)
    /// unless it is the same, the lower of two bounds.
    pub fn better(known: Option<Self>, learned: Self) -> Self {
        match known {
            Some(known) if known.exact && !learned.exact => known,
            Some(known) if known.exact && known.zero.0.abs_diff(learned.zero.0) <= SAME_MS => known,
            Some(known) if !known.exact && !learned.exact => Self { zero: known.zero.min(learned.zero), exact: false },
            _ => learned,
        }
    }
}

/// When an event happened: the device's wall time where it can be believed, else by the boot's offset, never
/// later than it came.
pub fn place(time: &EventTime, received_at: UnixMillis, offset: BootOffset) -> UnixMillis {
    if believable(time, received_at) {
        return time.wall;
    }
    offset.zero.plus(Duration::from_millis(time.monotonic_ms)).min(received_at)
}

fn believable(time: &EventTime, received_at: UnixMillis) -> bool {
    time.clock_synced && time.wall <= received_at.plus(AHEAD_AT_MOST)
}

fn minus(at: UnixMillis, ms: u64) -> UnixMillis {
    UnixMillis(at.0.saturating_sub(i64::try_from(ms).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use ostiary_common::ids::BootId;

    use super::*;

    fn time(wall: i64, clock_synced: bool, monotonic_ms: u64) -> EventTime {
        EventTime { wall: UnixMillis(wall), clock_synced, monotonic_ms, boot: BootId(uuid::Uuid::nil()) }
    }

    fn check(known: Option<(i64, bool)>, event: EventTime, received_at: i64, expected: i64) {
        let known = known.map(|(zero, exact)| BootOffset { zero: UnixMillis(zero), exact });
        let received_at = UnixMillis(received_at);
        let offset = BootOffset::better(known, BootOffset::learned(&event, received_at));
        assert_eq!(place(&event, received_at, offset), UnixMillis(expected), "{known:?} {event:?}");
    }

    #[test]
    fn an_exact_offset_is_replaced_when_the_clock_was_set() {
        let exact = |zero| BootOffset { zero: UnixMillis(zero), exact: true };
        let check =
            |learned, expected| assert_eq!(BootOffset::better(Some(exact(1_000_000)), exact(learned)), exact(expected));
        check(1_000_001, 1_000_000);
        check(999_750, 1_000_000);
        check(1_000_251, 1_000_251);
        check(5, 5);
    }

    #[test]
    fn places_events() {
        // A believed clock is taken as it is, also when the event waited long.
        check(None, time(1_000_000, true, 5), 9_000_000, 1_000_000);
        // A clock far ahead of ours is not believed.
        check(None, time(99_000_000, true, 5), 9_000_000, 9_000_000);
        // Without anything known, arrival is all there is.
        check(None, time(17, false, 5_000), 9_000_000, 9_000_000);
        // A bound learned from a faster message places this one earlier.
        check(Some((8_000_000, false)), time(17, false, 5_000), 9_000_000, 8_005_000);
        // An exact offset wins over arrival, and never places an event after it came.
        check(Some((8_500_000, true)), time(17, false, 5_000), 9_000_000, 8_505_000);
        check(Some((8_999_999, true)), time(17, false, 5_000), 9_000_000, 9_000_000);
    }
}
