//! When an item that failed is tried again.

use std::time::Duration;

use ostiary_common::time::UnixMillis;

use super::ItemEnd;

/// An item that failed so often is given up.
pub const MOST_FAILURES: u32 = 5;
/// An item that was handed out so often and never came back is given up: it may be what ends the server.
pub const MOST_LEASES: u64 = 50;
/// The first pause; each further one is four times as long.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// What becomes of an item that failed just now, `failures` times before.
#[must_use]
pub fn after_failure(failures: u32, now: UnixMillis) -> ItemEnd {
    if failures + 1 >= MOST_FAILURES {
        return ItemEnd::Dead;
    }
    let pause = FIRST_PAUSE.saturating_mul(4_u32.saturating_pow(failures)).min(LONGEST_PAUSE);
    ItemEnd::Again(now.plus(pause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let check = |failures, expected| assert_eq!(after_failure(failures, UnixMillis(0)), expected, "{failures}");
        check(0, ItemEnd::Again(UnixMillis(2_000)));
        check(1, ItemEnd::Again(UnixMillis(8_000)));
        check(2, ItemEnd::Again(UnixMillis(32_000)));
        check(3, ItemEnd::Again(UnixMillis(128_000)));
        check(4, ItemEnd::Dead);
        check(400, ItemEnd::Dead);
    }
}
