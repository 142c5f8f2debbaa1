//! What time it is at the server, from what it says of its clock: good to tell what is too late, on a board whose
//! own clock cannot be believed.

use std::time::Duration;

use ostiary_common::time::UnixMillis;

/// Of this share a board's clock may go wrong: two seconds in ten thousand, far more than quartz does.
const DRIFT: f64 = 2e-4;

/// The least the server's time can be. Messages take time on their way, so each says "at least this late"; the one
/// that came fastest says the most.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerTime {
    /// The server's time at a moment of the monotonic clock, at least.
    known: Option<(UnixMillis, Duration)>,
}

impl ServerTime {
    /// A message sent at `server` was heard at `monotonic`.
    pub fn heard(&mut self, server: UnixMillis, monotonic: Duration) {
        if self.at_least(monotonic).is_none_or(|known| server > known) {
            self.known = Some((server, monotonic));
        }
    }

    /// The server's time at `monotonic`, at least; `None` if it was never heard.
    #[must_use]
    pub fn at_least(&self, monotonic: Duration) -> Option<UnixMillis> {
        let (server, then) = self.known?;
        Some(server.plus(monotonic.saturating_sub(then).mul_f64(1.0 - DRIFT)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_message_counts_and_time_goes_on() {
        let at = Duration::from_secs;
        let mut time = ServerTime::default();
        assert_eq!(time.at_least(at(5)), None);
        time.heard(UnixMillis(1_000_000), at(100));
        assert_eq!(time.at_least(at(100)), Some(UnixMillis(1_000_000)));
        assert_eq!(time.at_least(at(1_100)), Some(UnixMillis(1_999_800)), "a clock may go slow");
        time.heard(UnixMillis(1_900_000), at(1_100));
        assert_eq!(time.at_least(at(1_100)), Some(UnixMillis(1_999_800)), "that one was long on its way");
        time.heard(UnixMillis(2_000_000), at(1_100));
        assert_eq!(time.at_least(at(1_100)), Some(UnixMillis(2_000_000)));
        time.heard(UnixMillis(i64::MIN), at(1_200));
        assert!(time.at_least(at(1_200)) > Some(UnixMillis(2_099_000)));
    }
}
