//! When a frame was taken: by the driver's clock, which does not know of our waits, laid over ours.

use std::time::Duration;

/// A driver's clock that runs away from ours by more than this within one frame has been set, or was never one.
const LEAP: Duration = Duration::from_secs(2);

/// Lays the driver's time stamps over this program's clock: a frame is as old as it is more late than the promptest one.
#[derive(Clone, Debug, Default)]
pub struct FrameClock {
    /// What to add to a stamp, nanoseconds; the least that was ever needed.
    offset: Option<i128>,
    last: Duration,
}

impl FrameClock {
    /// When the frame stamped `stamp` was taken, having been received at `received`; both since any fixed moment. Never
    /// before the frame before it, never after it was received.
    pub fn place(&mut self, stamp: Duration, received: Duration) -> Duration {
        let (stamp, now) = (signed(stamp), signed(received));
        let late = now - stamp;
        let leap = signed(LEAP);
        let offset = match self.offset {
            // A new offset: the driver's clock was set, forward or back.
            Some(known) if (late - known).abs() > leap => late,
            Some(known) => known.min(late),
            None => late,
        };
        self.offset = Some(offset);
        let taken = u64::try_from((stamp + offset).max(0)).map_or(received, Duration::from_nanos);
        self.last = taken.min(received).max(self.last);
        self.last
    }
}

fn signed(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

/// Frames lost on the way from the driver, told by the numbers it gives them.
#[derive(Clone, Copy, Debug, Default)]
pub struct FrameNumbers {
    last: Option<u32>,
}

impl FrameNumbers {
    /// A frame with this number came; how many are missing before it. Drivers that do not count give the same number
    /// again, and numbers begin anew: neither is a loss.
    pub const fn lost_before(&mut self, number: u32) -> u32 {
        let before = self.last;
        self.last = Some(number);
        match before {
            Some(before) if number > before => number - before - 1,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn a_frame_that_waited_is_told_from_one_that_was_taken_late() {
        let mut clock = FrameClock::default();
        let mut check = |stamp, received, expected| {
            assert_eq!(clock.place(ms(stamp), ms(received)), ms(expected), "{stamp} {received}");
        };
        check(500_000, 100, 100);
        check(500_066, 166, 166);
        check(500_133, 400, 233);
        check(500_200, 401, 300);
        // A prompter one moves the offset; nothing goes back.
        check(500_266, 360, 360);
        // The driver's clock is set back an hour.
        check(0, 1_000, 1_000);
        check(66, 1_166, 1_066);
    }

    #[test]
    fn a_driver_without_a_clock_changes_nothing() {
        let mut clock = FrameClock::default();
        for n in 0..200 {
            let received = ms(n * 66);
            let taken = clock.place(Duration::ZERO, received);
            assert!(taken <= received && received.saturating_sub(taken) <= LEAP, "{n}: {taken:?}");
        }
    }

    #[test]
    fn gaps_are_counted_and_beginnings_are_not() {
        let mut numbers = FrameNumbers::default();
        let lost: Vec<u32> = [7, 8, 11, 11, 11, 0, 1, 5].into_iter().map(|n| numbers.lost_before(n)).collect();
        assert_eq!(lost, [0, 0, 2, 0, 0, 0, 0, 3]);
    }
}
