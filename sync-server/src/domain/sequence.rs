//! Which sequence numbers of a stream have come: everything up to a point, and ranges beyond holes.

use std::collections::BTreeMap;

/// The numbers of one stream that are stored. Numbers count from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Everything up to and including this is there.
    upto: u64,
    /// First to last of each range beyond a hole; ranges neither touch each other nor `upto`.
    ahead: BTreeMap<u64, u64>,
}

impl Received {
    /// From what was kept: `upto` and the ranges beyond it, in any order.
    pub fn restore(upto: u64, ranges: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut received = Self { upto, ahead: BTreeMap::new() };
        for (first, last) in ranges {
            received.take(first, last);
        }
        received
    }

    /// Everything up to and including this is there.
    pub const fn upto(&self) -> u64 {
        self.upto
    }

    /// The ranges beyond holes, rising.
    pub fn ahead(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.ahead.iter().map(|(first, last)| (*first, *last))
    }

    /// The first number missing before one that came.
    pub fn missing_from(&self) -> Option<u64> {
        (!self.ahead.is_empty()).then_some(self.upto + 1)
    }

    /// Takes the numbers `first..=last` as come. Numbers below 1 or an empty range change nothing.
    pub fn take(&mut self, first: u64, last: u64) {
        let (mut first, mut last) = (first.max(1), last);
        if last < first {
            return;
        }
        while let Some((near_first, near_last)) = self.touching(first, last) {
            self.ahead.remove(&near_first);
            first = first.min(near_first);
            last = last.max(near_last);
        }
        if first <= self.upto.saturating_add(1) {
            self.upto = self.upto.max(last);
        } else {
            self.ahead.insert(first, last);
        }
    }

    /// Gives up the first hole and returns its first and last number.
    pub fn give_up_first_hole(&mut self) -> Option<(u64, u64)> {
        let (&next, _) = self.ahead.first_key_value()?;
        let hole = (self.upto + 1, next - 1);
        self.take(hole.0, hole.1);
        Some(hole)
    }

    /// A range ahead that overlaps `first..=last` or lies right beside it.
    fn touching(&self, first: u64, last: u64) -> Option<(u64, u64)> {
        let (&near_first, &near_last) = self.ahead.range(..=last.saturating_add(1)).next_back()?;
        (near_last.saturating_add(1) >= first).then_some((near_first, near_last))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn check(steps: &[(u64, u64)], upto: u64, ahead: &[(u64, u64)]) {
        let mut received = Received::default();
        for (first, last) in steps {
            received.take(*first, *last);
        }
        assert_eq!((received.upto(), received.ahead().collect::<Vec<_>>()), (upto, ahead.to_vec()), "{steps:?}");
    }

    #[test]
    fn takes_ranges() {
        check(&[], 0, &[]);
        check(&[(1, 3)], 3, &[]);
        check(&[(1, 3), (2, 5)], 5, &[]);
        check(&[(2, 3)], 0, &[(2, 3)]);
        check(&[(2, 3), (1, 1)], 3, &[]);
        check(&[(1, 1), (3, 3), (5, 5)], 1, &[(3, 3), (5, 5)]);
        check(&[(1, 1), (3, 3), (5, 5), (4, 4)], 1, &[(3, 5)]);
        check(&[(1, 1), (3, 3), (5, 5), (2, 4)], 5, &[]);
        check(&[(0, 0)], 0, &[]);
        check(&[(5, 4)], 0, &[]);
    }

    #[test]
    fn a_stream_seen_late_has_a_hole_from_one() {
        let mut received = Received::default();
        received.take(7, 9);
        assert_eq!(received.missing_from(), Some(1));
        assert_eq!(received.give_up_first_hole(), Some((1, 6)));
        assert_eq!((received.upto(), received.missing_from()), (9, None));
        assert_eq!(received.give_up_first_hole(), None);
    }

    proptest! {
        #[test]
        fn agrees_with_a_set(steps in prop::collection::vec((1u64..60, 0u64..8), 0..40)) {
            let mut received = Received::default();
            let mut set = BTreeSet::new();
            for (first, length) in steps {
                received.take(first, first + length);
                set.extend(first..=first + length);
                let upto = (1..).take_while(|n| set.contains(n)).last().unwrap_or(0);
                prop_assert_eq!(received.upto(), upto);
                let ahead: BTreeSet<u64> = received.ahead().flat_map(|(a, b)| a..=b).collect();
                let expected: BTreeSet<u64> = set.iter().copied().filter(|n| *n > upto).collect();
                prop_assert_eq!(&ahead, &expected);
                prop_assert_eq!(received.missing_from(), (!expected.is_empty()).then_some(upto + 1));
                let restored = Received::restore(received.upto(), received.ahead().collect::<Vec<_>>());
                prop_assert_eq!(&restored, &received);
            }
        }
    }
}
