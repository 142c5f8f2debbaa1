//! Largest and mean values of small windows.

#![expect(unsafe_code, reason = "the inner loop works on pointers; all reaches are checked in `pool`")]

use crate::Isa;
use crate::grid::{Grid, Size};
use crate::simd::{Simd, dispatch};

/// What becomes of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Its largest value.
    Max,
    /// The mean of its values.
    Mean,
}

/// What is pooled: a tensor whose channels lie together.
#[derive(Clone, Copy)]
pub struct Pooled<'a> {
    /// The values.
    pub values: &'a [f32],
    /// Where the window of each output pixel begins.
    pub grid: Grid,
    /// From a row of a window to the next.
    pub row: usize,
    /// Channels, a multiple of [`crate::CHANNELS`]: also from a pixel of a window to the next.
    pub channels: usize,
    /// Side of the window.
    pub side: usize,
}

/// All the kernel needs, as pointers.
struct Job {
    pooling: Pooling,
    size: Size,
    input: *const f32,
    windows: Grid,
    row: usize,
    channels: usize,
    side: usize,
    output: *mut f32,
    targets: Grid,
}

/// Pools into `output`, whose pixels begin where `targets` says.
///
/// # Panics
/// If windows or targets reach beyond their values, or channels are no multiple of eight.
pub fn pool(isa: Isa, pooling: Pooling, size: Size, input: Pooled<'_>, output: &mut [f32], targets: Grid) {
    if size.width == 0 || size.height == 0 || input.side == 0 {
        return;
    }
    assert_eq!(input.channels % crate::CHANNELS, 0, "channels come in eights");
    let reach = (input.side - 1) * input.row + input.side * input.channels;
    assert!(input.grid.end(size, reach) <= input.values.len(), "windows lie within the input");
    assert!(targets.end(size, input.channels) <= output.len(), "targets lie within the output");
    let job = Job {
        pooling,
        size,
        input: input.values.as_ptr(),
        windows: input.grid,
        row: input.row,
        channels: input.channels,
        side: input.side,
        output: output.as_mut_ptr(),
        targets,
    };
    // SAFETY: all that is read and written was checked above; the instruction set is there.
    unsafe { run(isa.or_scalar(), &job) }
}

dispatch!(run, pixels, Job, avx512: 1, avx2: 1, others: 1);

#[inline(always)]
unsafe fn pixels<V: Simd, const PIXELS: usize>(job: &Job) {
    for y in 0..job.size.height {
        for x in 0..job.size.width {
            let mut channel = 0;
            // SAFETY: (x, y) and the channels are the job's.
            unsafe {
                while channel + V::LANES <= job.channels {
                    window::<V>(job, x, y, channel);
                    channel += V::LANES;
                }
                if channel < job.channels {
                    window::<V::Half>(job, x, y, channel);
                }
            }
        }
    }
}

/// One vector of channels of one window.
#[inline(always)]
unsafe fn window<V: Simd>(job: &Job, x: usize, y: usize, channel: usize) {
    // SAFETY: the window and the target are there, as `pool` checked.
    unsafe {
        let input = job.input.add(job.windows.at(x, y) + channel);
        let value = |row: usize, column: usize| input.add(row * job.row + column * job.channels);
        let mut result = V::load(input);
        for place in 1..job.side * job.side {
            let next = V::load(value(place / job.side, place % job.side));
            result = match job.pooling {
                Pooling::Max => result.max(next),
                Pooling::Mean => result.add(next),
            };
        }
        if job.pooling == Pooling::Mean {
            result = result.mul(V::splat(1.0 / (job.side * job.side) as f32));
        }
        result.store(job.output.add(job.targets.at(x, y) + channel));
    }
}

#[cfg(test)]
mod tests;
