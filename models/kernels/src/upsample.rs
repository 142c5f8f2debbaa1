//! Doubling a tensor by linear interpolation, and adding it to a finer one.

#![expect(unsafe_code, reason = "the inner loop works on pointers; all reaches are checked in `add_doubled`")]

use crate::Isa;
use crate::grid::{Grid, Size};
use crate::simd::{Simd, dispatch};

/// The tensor to double; its channels lie together.
#[derive(Clone, Copy)]
pub struct Coarse<'a> {
    /// The values.
    pub values: &'a [f32],
    /// Where each pixel begins.
    pub grid: Grid,
    /// How many there are.
    pub size: Size,
}

/// All the kernel needs, as pointers.
struct Job {
    coarse: *const f32,
    coarse_grid: Grid,
    coarse_size: Size,
    fine: *mut f32,
    fine_grid: Grid,
    channels: usize,
}

/// Adds `coarse`, doubled with half-pixel centres and clamped edges, to `fine`, twice as wide and high, both of
/// `channels` channels.
///
/// # Panics
/// If the pixels reach beyond their values, or channels are no multiple of eight.
pub fn add_doubled(isa: Isa, coarse: Coarse<'_>, fine: &mut [f32], fine_grid: Grid, channels: usize) {
    let size = coarse.size;
    if size.width == 0 || size.height == 0 {
        return;
    }
    let doubled = Size { width: 2 * size.width, height: 2 * size.height };
    assert_eq!(channels % crate::CHANNELS, 0, "channels come in eights");
    assert!(coarse.grid.end(size, channels) <= coarse.values.len(), "pixels lie within the coarse tensor");
    assert!(fine_grid.end(doubled, channels) <= fine.len(), "pixels lie within the fine tensor");
    let job = Job {
        coarse: coarse.values.as_ptr(),
        coarse_grid: coarse.grid,
        coarse_size: size,
        fine: fine.as_mut_ptr(),
        fine_grid,
        channels,
    };
    // SAFETY: all that is read and written was checked above; the instruction set is there.
    unsafe { run(isa.or_scalar(), &job) }
}

dispatch!(run, pixels, Job, avx512: 1, avx2: 1, others: 1);

/// The two coarse rows or columns a fine one lies between: the nearer, which counts three quarters, and the other.
#[inline(always)]
fn neighbours(fine: usize, coarse: usize) -> (usize, usize) {
    let near = fine / 2;
    let far = if fine.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(coarse - 1) };
    (near, far)
}

#[inline(always)]
unsafe fn pixels<V: Simd, const PIXELS: usize>(job: &Job) {
    for y in 0..2 * job.coarse_size.height {
        for x in 0..2 * job.coarse_size.width {
            let mut channel = 0;
            // SAFETY: (x, y) is a fine pixel, the channels are the job's.
            unsafe {
                while channel + V::LANES <= job.channels {
                    pixel::<V>(job, x, y, channel);
                    channel += V::LANES;
                }
                if channel < job.channels {
                    pixel::<V::Half>(job, x, y, channel);
                }
            }
        }
    }
}

/// One vector of channels of one fine pixel.
#[inline(always)]
unsafe fn pixel<V: Simd>(job: &Job, x: usize, y: usize, channel: usize) {
    let (near_x, far_x) = neighbours(x, job.coarse_size.width);
    let (near_y, far_y) = neighbours(y, job.coarse_size.height);
    // SAFETY: the neighbours are coarse pixels, which `add_doubled` checked, as it did the fine one.
    unsafe {
        let coarse = |x: usize, y: usize| job.coarse.add(job.coarse_grid.at(x, y) + channel);
        let target = job.fine.add(job.fine_grid.at(x, y) + channel);
        let mut sum = V::load(target.cast_const());
        for (x, y, weight) in
            [(near_x, near_y, 0.5625), (far_x, near_y, 0.1875), (near_x, far_y, 0.1875), (far_x, far_y, 0.0625)]
        {
            sum = V::load(coarse(x, y)).mul_add(V::splat(weight), sum);
        }
        sum.store(target);
    }
}

#[cfg(test)]
mod tests;
