//! Faces found, missed and imagined.

/// What a detector did on one picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DetectionCounts {
    /// Faces found that are there.
    pub found: usize,
    /// Faces there that were not found.
    pub missed: usize,
    /// Faces found that are not there.
    pub imagined: usize,
}

/// From numbers alone: what is found beyond what is there is imagined. `there` may be a least number
/// (`at_least`): then nothing beyond it is.
#[must_use]
pub const fn faces_found(found: usize, there: usize, at_least: bool) -> DetectionCounts {
    let imagined = if at_least { 0 } else { found.saturating_sub(there) };
    DetectionCounts { found: found - imagined, missed: there.saturating_sub(found), imagined }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        let check = |found, there, at_least, expected: (usize, usize, usize)| {
            let counts = faces_found(found, there, at_least);
            assert_eq!((counts.found, counts.missed, counts.imagined), expected);
        };
        check(1, 1, false, (1, 0, 0));
        check(0, 1, true, (0, 1, 0));
        check(3, 1, true, (3, 0, 0));
        check(3, 1, false, (1, 0, 2));
        check(2, 0, false, (0, 0, 2));
        check(1, 4, false, (1, 3, 0));
    }
}
