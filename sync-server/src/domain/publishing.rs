//! When an event left its device. The sender's clock tells, but only if it is the clock the event was timed by.

use std::time::Duration;

use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{EventTime, VisitReport};

/// How far a device's clock may run ahead of ours before its word on sending is not taken.
const AHEAD_AT_MOST: Duration = Duration::from_secs(5 * 60);
/// A visit published so long after its decision was held back: the network or the server was away.
const HELD_BACK: Duration = Duration::from_secs(10);

/// When the device sent an event, given the batch's `sent_at` by the device's clock.
///
/// `None` if the clock was not set when the event happened (it may have jumped since), was set back between, or
/// runs ahead of ours: no figure is better than a wrong one.
pub fn published(time: &EventTime, sent_at: UnixMillis, received_at: UnixMillis) -> Option<UnixMillis> {
    let possible = time.wall <= sent_at && sent_at <= received_at.plus(AHEAD_AT_MOST);
    (time.clock_synced && possible).then_some(sent_at)
}

/// Where a visit's time went, from the camera to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The deciding frame left the camera.
    pub captured_at: UnixMillis,
    /// The device decided.
    pub decided_at: UnixMillis,
    /// From the decision to the sending of the batch it was stored from.
    pub decision_to_published_ms: Option<u64>,
    /// Whether it waited on the device before it could be sent.
    pub held_back: bool,
}

impl Budget {
    /// Of a visit decided at `decided_at` and sent at `published_at`, by the same clock.
    pub fn of(visit: &VisitReport, decided_at: UnixMillis, published_at: Option<UnixMillis>) -> Self {
        let waited = published_at.and_then(|at| u64::try_from(at.since_ms(decided_at)).ok());
        Self {
            captured_at: UnixMillis(decided_at.0 - i64::from(visit.latency.frame_to_decision_ms)),
            decided_at,
            decision_to_published_ms: waited,
            held_back: waited.is_some_and(|ms| u128::from(ms) >= HELD_BACK.as_millis()),
        }
    }
}

#[cfg(test)]
mod tests {
    use ostiary_common::ids::BootId;

    use super::*;

    #[test]
    fn the_sender_is_believed_as_far_as_it_can_know() {
        let check = |wall, clock_synced, sent_at, expected: Option<i64>| {
            let time =
                EventTime { wall: UnixMillis(wall), clock_synced, monotonic_ms: 9, boot: BootId(uuid::Uuid::nil()) };
            let found = published(&time, UnixMillis(sent_at), UnixMillis(1_000_000));
            assert_eq!(found, expected.map(UnixMillis), "{wall} {clock_synced} {sent_at}");
        };
        check(900_000, true, 900_040, Some(900_040));
        // An outage: sent long after.
        check(1_000, true, 999_000, Some(999_000));
        // The clock was not set when it happened.
        check(900_000, false, 900_040, None);
        // It was set back since.
        check(900_000, true, 899_999, None);
        // It runs a little ahead, or far.
        check(900_000, true, 1_200_000, Some(1_200_000));
        check(900_000, true, 1_300_001, None);
    }
}
