//! The inner loop: a few pixels by a few vectors of outputs, kept in registers over the whole sum.

#![expect(unsafe_code, reason = "the inner loop works on pointers; all reaches are checked in `Dense::run`")]

use super::Job;
use crate::simd::{Simd, Stored};

/// How far ahead weights are asked for, in bytes. A net's weights do not fit into the near caches, and by itself the
/// processor does not look beyond a page of memory.
const AHEAD: usize = 8192;

/// Computes `PIXELS` pixels from pixel `first` on (the last one again and again where there are fewer) for
/// `VECTORS` vectors of outputs from `output` on.
///
/// # Safety
/// The job's reaches are checked; `first` is one of its pixels, the outputs are the layer's, and `weights` are theirs.
// All loops over pixels and vectors have constant ends and are unrolled. Shortcut and bias come first, as the start of
// the sum, which leaves so little to do after it that the compiler unrolls that as well: otherwise the sums would live
// in memory, which is two to three times slower.
#[inline(always)]
pub(super) unsafe fn tile<V: Simd, W: Stored, const PIXELS: usize, const VECTORS: usize>(
    job: &Job<'_>,
    mut weights: *const W,
    first: usize,
    output: usize,
) {
    let places = places::<PIXELS>(job, first);
    // SAFETY: `start` and all below read and write what `Dense::run` checked.
    unsafe {
        let mut sums = start::<V, PIXELS, VECTORS>(job, &places, output);
        let mut inputs = [job.input; PIXELS];
        for (input, (x, y)) in inputs.iter_mut().zip(places) {
            *input = input.add(job.windows.at(x, y));
        }
        for run in job.runs {
            for at in *run..run + job.layer.run {
                let mut factors = [V::splat(0.0); VECTORS];
                for (vector, factor) in factors.iter_mut().enumerate() {
                    V::prefetch(weights.wrapping_add(vector * V::LANES).wrapping_byte_add(AHEAD).cast());
                    *factor = W::load(weights.add(vector * V::LANES));
                }
                for (input, sums) in inputs.iter().zip(&mut sums) {
                    let input = V::splat(*input.add(at));
                    for (factor, sum) in factors.iter().zip(sums) {
                        *sum = input.mul_add(*factor, *sum);
                    }
                }
                weights = weights.add(VECTORS * V::LANES);
            }
        }
        let floor = V::splat(job.floor);
        for ((x, y), sums) in places.into_iter().zip(sums) {
            let target = job.output.add(job.targets.at(x, y) + output);
            for (vector, sum) in sums.into_iter().enumerate() {
                sum.max(floor).store(target.add(vector * V::LANES));
            }
        }
    }
}

/// Column and row of the pixels.
#[inline(always)]
fn places<const PIXELS: usize>(job: &Job<'_>, first: usize) -> [(usize, usize); PIXELS] {
    let (width, last) = (job.size.width, job.size.width * job.size.height - 1);
    let (mut x, mut y) = (first % width, first / width);
    let mut places = [(0, 0); PIXELS];
    for (pixel, place) in places.iter_mut().enumerate() {
        *place = (x, y);
        if first + pixel < last {
            x += 1;
            if x == width {
                (x, y) = (0, y + 1);
            }
        }
    }
    places
}

/// What the sums begin with: the bias, and the shortcut if there is one.
///
/// # Safety
/// As of [`tile`].
#[inline(always)]
unsafe fn start<V: Simd, const PIXELS: usize, const VECTORS: usize>(
    job: &Job<'_>,
    places: &[(usize, usize); PIXELS],
    output: usize,
) -> [[V; VECTORS]; PIXELS] {
    // SAFETY: there is a bias for each output; the shortcut covers all pixels and outputs.
    unsafe {
        let mut bias = [V::splat(0.0); VECTORS];
        for (vector, bias) in bias.iter_mut().enumerate() {
            *bias = V::load(job.layer.bias.as_ptr().add(output + vector * V::LANES));
        }
        let mut sums = [bias; PIXELS];
        if let Some((values, grid)) = job.shortcut {
            for ((x, y), sums) in places.iter().zip(&mut sums) {
                let value = values.add(grid.at(*x, *y) + output);
                for (vector, sum) in sums.iter_mut().enumerate() {
                    *sum = sum.add(V::load(value.add(vector * V::LANES)));
                }
            }
        }
        sums
    }
}
