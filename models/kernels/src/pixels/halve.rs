//! Two rows into one of half the width.

#![expect(clippy::needless_range_loop, reason = "several arrays side by side, which the compiler makes vectors of")]

use super::{BLOCK, Work, on};
use crate::Isa;

/// Averages 2x2 pixels of RGB into one; a last odd pixel is averaged with the one below it only.
///
/// # Panics
/// If the rows are not of one length, whole pixels, or `target` has not half as many (rounded up).
pub fn halve(isa: Isa, upper: &[u8], lower: &[u8], target: &mut [u8]) {
    assert_eq!(upper.len(), lower.len(), "rows");
    assert_eq!((upper.len() % 3, target.len()), (0, (upper.len() / 3).div_ceil(2) * 3), "half of a row");
    on(isa, Halve { upper, lower, target });
}

struct Halve<'a> {
    upper: &'a [u8],
    lower: &'a [u8],
    target: &'a mut [u8],
}

impl Work for Halve<'_> {
    #[inline(always)]
    fn run(self) {
        let (upper, upper_rest) = self.upper.as_chunks();
        let (lower, lower_rest) = self.lower.as_chunks();
        // An odd pixel may fill a block of the target of which the source has but a part: that belongs to the rest.
        let (target, target_rest) = self.target.split_at_mut(3 * BLOCK * upper.len());
        for ((upper, lower), target) in upper.iter().zip(lower).zip(target.as_chunks_mut().0) {
            block(upper, lower, target);
        }
        rest(upper_rest, lower_rest, target_rest);
    }
}

#[inline(always)]
fn block(upper: &[u8; 6 * BLOCK], lower: &[u8; 6 * BLOCK], target: &mut [u8; 3 * BLOCK]) {
    // Every byte with the pixel after it: half of the means are of no use, but nothing has to be picked apart.
    let mut means = [0_u8; 6 * BLOCK];
    for at in 0..6 * BLOCK - 3 {
        let sum = |at: usize| u16::from(upper[at]) + u16::from(lower[at]);
        means[at] = ((sum(at) + sum(at + 3) + 2) / 4) as u8;
    }
    for x in 0..BLOCK - 1 {
        target[3 * x..3 * x + 4].copy_from_slice(&means[6 * x..6 * x + 4]);
    }
    target[3 * BLOCK - 3..].copy_from_slice(&means[6 * BLOCK - 6..6 * BLOCK - 3]);
}

#[inline(always)]
fn rest(upper: &[u8], lower: &[u8], target: &mut [u8]) {
    for ((up, low), pixel) in upper.chunks(6).zip(lower.chunks(6)).zip(target.as_chunks_mut::<3>().0) {
        let next = up.len() - 3;
        for c in 0..3 {
            let sum = |at: usize| u16::from(up[at]) + u16::from(low[at]);
            pixel[c] = ((sum(c) + sum(next + c) + 2) / 4) as u8;
        }
    }
}
