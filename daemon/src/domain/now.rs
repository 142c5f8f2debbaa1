//! The present moment as it is handed in: the board's clocks, and the only randomness the domain gets.

use std::time::Duration;

use ostiary_common::ids::MsgId;
use ostiary_common::time::UnixMillis;
use uuid::{Builder, Uuid};

/// The present moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Since the program started; never goes back.
    pub monotonic: Duration,
    /// Wall time as the board has it, never before the floor.
    pub wall: UnixMillis,
    /// Whether the wall time can be believed.
    pub synced: bool,
    /// It is not earlier than this, whatever the board's clock says.
    pub floor: UnixMillis,
    /// A number nobody can foresee, new each time.
    pub random: u128,
    /// Messages published and not yet taken by the connection.
    pub queued: usize,
}

impl Now {
    /// Wall time if it can be believed.
    #[must_use]
    pub fn believed(&self) -> Option<UnixMillis> {
        self.synced.then_some(self.wall)
    }
}

/// Many random numbers out of one ([`Now::random`]), by SplitMix64.
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
    stream: u64,
}

impl Dice {
    /// Begins with `seed`.
    #[must_use]
    pub const fn new(seed: u128) -> Self {
        let [.., a, b, c, d, e, f, g, h] = seed.to_le_bytes();
        #[expect(clippy::cast_possible_truncation, reason = "the lower half is wanted")]
        let state = seed as u64;
        Self { state, stream: u64::from_le_bytes([a, b, c, d, e, f, g, h]) | 1 }
    }

    /// A random number.
    pub const fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state ^ self.stream;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A random number in 0..1.
    pub fn jitter(&mut self) -> f64 {
        f64::from((self.roll() >> 32) as u32) / f64::from(u32::MAX)
    }

    /// A new id that sorts by `wall` (UUID version 7).
    pub fn uuid(&mut self, wall: UnixMillis) -> Uuid {
        let mut bytes = [0; 10];
        let (head, tail) = (self.roll().to_le_bytes(), self.roll().to_le_bytes());
        bytes[..8].copy_from_slice(&head);
        bytes[8..].copy_from_slice(&tail[..2]);
        Builder::from_unix_timestamp_millis(u64::try_from(wall.0).unwrap_or(0), &bytes).into_uuid()
    }

    /// A new id of a message.
    pub fn msg_id(&mut self, wall: UnixMillis) -> MsgId {
        MsgId(self.uuid(wall))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_sort_by_time() {
        let mut dice = Dice::new(7);
        let (first, second) = (dice.uuid(UnixMillis(1_000)), dice.uuid(UnixMillis(1_000)));
        let later = dice.uuid(UnixMillis(2_000));
        assert!(first != second && first < later && second < later);
        assert_eq!((first.get_version_num(), Dice::new(7).uuid(UnixMillis(1_000))), (7, first), "the same seed");
        assert_ne!(Dice::new(7 | (1 << 100)).uuid(UnixMillis(1_000)), first, "every bit of the seed counts");
        assert!((0..1_000).map(|_| dice.jitter()).all(|jitter| (0.0..=1.0).contains(&jitter)));
        assert_eq!(Dice::new(1).uuid(UnixMillis(-5)).get_version_num(), 7);
    }
}
