//! When to ask for missing events again, and when to give them up. Pure: time comes in, and is not wall time: a
//! clock set right must not make a device look as if it had been asked for long.

use std::collections::HashMap;
use std::time::Duration;

use ostiary_common::ids::{DeviceId, StreamId};

/// Asked at most this often; every batch behind a hole shows it again.
const ASK_EVERY: Duration = Duration::from_secs(10);
/// Asked at least this many times before giving up.
const ASKS: u32 = 3;
/// And not before this long after the first time, so that a reconnect fits in between.
const GIVE_UP_AFTER: Duration = Duration::from_secs(30);
/// Batches of a device go to servers in turn, and one may be behind with its own by this much.
const GRACE_AMONG_OTHERS: Duration = Duration::from_secs(2);
/// Holes not heard of for this long are forgotten here; the store still knows them.
const FORGET_AFTER: Duration = Duration::from_secs(3_600);
/// Streams remembered before the old ones are forgotten.
const MANY: usize = 10_000;

/// What to do about a stream's first hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// There is none.
    Whole,
    /// Ask the device to send from this number on.
    Ask(u64),
    /// It was asked a moment ago.
    Wait,
    /// It was asked often enough: the events do not exist any more.
    GiveUp,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    from: u64,
    first_at: Duration,
    last_at: Duration,
    times: u32,
}

/// Holes being asked for.
#[derive(Debug, Default)]
pub(super) struct HoleWatch {
    asked: HashMap<(DeviceId, StreamId), Asked>,
    /// How long a hole may be there before it is asked for: what is missing may be with another server.
    grace: Duration,
}

impl HoleWatch {
    /// For a server that shares what devices send with others.
    pub(super) fn among_others() -> Self {
        Self { grace: GRACE_AMONG_OTHERS, ..Self::default() }
    }

    /// Takes what the store says of a stream after a batch.
    pub(super) fn look(
        &mut self,
        now: Duration,
        device: DeviceId,
        stream: StreamId,
        missing_from: Option<u64>,
    ) -> Answer {
        let key = (device, stream);
        let Some(from) = missing_from else {
            self.asked.remove(&key);
            return Answer::Whole;
        };
        match self.asked.get_mut(&key) {
            Some(asked) if asked.from == from => {
                let answer = asked.again(now, self.grace);
                if answer == Answer::GiveUp {
                    self.asked.remove(&key);
                }
                answer
            }
            _ => {
                self.make_room(now);
                let times = u32::from(self.grace.is_zero());
                self.asked.insert(key, Asked { from, first_at: now, last_at: now, times });
                if times > 0 { Answer::Ask(from) } else { Answer::Wait }
            }
        }
    }

    fn make_room(&mut self, now: Duration) {
        if self.asked.len() >= MANY {
            self.asked.retain(|_, asked| !passed(asked.last_at, now, FORGET_AFTER));
        }
    }
}

impl Asked {
    fn again(&mut self, now: Duration, grace: Duration) -> Answer {
        if self.times == 0 {
            if !passed(self.first_at, now, grace) {
                return Answer::Wait;
            }
            *self = Self { first_at: now, last_at: now, times: 1, ..*self };
            return Answer::Ask(self.from);
        }
        if self.times >= ASKS && passed(self.first_at, now, GIVE_UP_AFTER) {
            return Answer::GiveUp;
        }
        if self.times >= ASKS || !passed(self.last_at, now, ASK_EVERY) {
            return Answer::Wait;
        }
        self.times += 1;
        self.last_at = now;
        Answer::Ask(self.from)
    }
}

fn passed(since: Duration, now: Duration, duration: Duration) -> bool {
    now >= since + duration
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(steps: &[(u64, Option<u64>, Answer)]) {
        check_with(HoleWatch::default(), steps);
    }

    fn check_with(mut watch: HoleWatch, steps: &[(u64, Option<u64>, Answer)]) {
        let (device, stream) = (DeviceId::generate(), StreamId::generate());
        for (second, missing_from, expected) in steps {
            let now = Duration::from_secs(*second);
            assert_eq!(watch.look(now, device, stream, *missing_from), *expected, "at {second} s of {steps:?}");
        }
    }

    #[test]
    fn asks_three_times_then_gives_up() {
        use Answer::{Ask, GiveUp, Wait, Whole};
        check(&[(0, None, Whole), (1, None, Whole)]);
        check(&[(0, Some(4), Ask(4)), (1, None, Whole), (2, Some(9), Ask(9))]);
        check(&[
            (0, Some(4), Ask(4)),
            (1, Some(4), Wait),
            (10, Some(4), Ask(4)),
            (20, Some(4), Ask(4)),
            (29, Some(4), Wait),
            (30, Some(4), GiveUp),
            (31, Some(4), Ask(4)),
        ]);
        check(&[(0, Some(4), Ask(4)), (60, Some(4), Ask(4)), (120, Some(4), Ask(4)), (121, Some(4), GiveUp)]);
        check(&[(0, Some(4), Ask(4)), (1, Some(6), Ask(6)), (2, Some(6), Wait)]);
    }

    #[test]
    fn among_others_a_hole_may_be_filled_by_another_first() {
        use Answer::{Ask, Wait, Whole};
        check_with(HoleWatch::among_others(), &[(0, Some(4), Wait), (1, None, Whole), (5, Some(9), Wait)]);
        let steps =
            [(0, Some(4), Wait), (1, Some(4), Wait), (2, Some(4), Ask(4)), (3, Some(4), Wait), (12, Some(4), Ask(4))];
        check_with(HoleWatch::among_others(), &steps);
    }
}
