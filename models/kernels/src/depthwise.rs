//! 3x3 convolutions of each channel by itself.

#![expect(unsafe_code, reason = "the inner loop works on pointers; all reaches are checked in `run`")]

use crate::Isa;
use crate::grid::{Grid, Size, rounded};
use crate::simd::{Simd, dispatch};

/// The weights of a layer, a vector of channels for each of the nine places of the filter.
pub struct Depthwise {
    isa: Isa,
    channels: usize,
    packed: Vec<f32>,
    bias: Vec<f32>,
}

/// What a layer reads: a tensor whose channels lie together.
#[derive(Clone, Copy)]
pub struct Patches<'a> {
    /// The values.
    pub values: &'a [f32],
    /// Where the 3x3 patch of each output pixel begins.
    pub grid: Grid,
    /// From a row of a patch to the next.
    pub row: usize,
}

/// All the kernel needs, as pointers.
struct Job<'a> {
    layer: &'a Depthwise,
    size: Size,
    input: *const f32,
    patches: Grid,
    row: usize,
    output: *mut f32,
}

impl Depthwise {
    /// Packs the weights of a layer: nine for each channel, row by row; `bias` one for each channel.
    ///
    /// # Panics
    /// If there are not nine weights for each bias.
    #[must_use]
    pub fn new(isa: Isa, weights: &[f32], bias: &[f32]) -> Self {
        assert_eq!(weights.len(), 9 * bias.len(), "nine weights a channel");
        let channels = rounded(bias.len());
        let mut packed = vec![0.0; 9 * channels];
        for (channel, weights) in weights.as_chunks::<9>().0.iter().enumerate() {
            for (place, weight) in weights.iter().enumerate() {
                packed[place * channels + channel] = *weight;
            }
        }
        let mut bias = bias.to_vec();
        bias.resize(channels, 0.0);
        Self { isa: isa.or_scalar(), channels, packed, bias }
    }

    /// Channels it takes and gives, rounded up.
    #[must_use]
    pub const fn channels(&self) -> usize {
        self.channels
    }

    /// Bytes its weights take.
    #[must_use]
    pub const fn size_bytes(&self) -> usize {
        4 * (self.packed.len() + self.bias.len())
    }

    /// Computes `size` output pixels into `output`, one after the other.
    ///
    /// # Panics
    /// If the patches reach beyond the values, or `output` is too short.
    pub fn run(&self, size: Size, input: Patches<'_>, output: &mut [f32]) {
        if size.width == 0 || size.height == 0 {
            return;
        }
        let reach = 2 * input.row + 3 * self.channels;
        assert!(input.grid.end(size, reach) <= input.values.len(), "patches lie within the input");
        assert!(size.width * size.height * self.channels <= output.len(), "the output holds all pixels");
        let job = Job {
            layer: self,
            size,
            input: input.values.as_ptr(),
            patches: input.grid,
            row: input.row,
            output: output.as_mut_ptr(),
        };
        // SAFETY: all that is read and written was checked above; `new` chose an instruction set that is there.
        unsafe { run(self.isa, &job) }
    }
}

dispatch!(run, channels, Job<'_>, avx512: 4, avx2: 4, others: 4);

/// A vector of channels over all pixels, then the next; what is left by half a vector.
#[inline(always)]
unsafe fn channels<V: Simd, const PIXELS: usize>(job: &Job<'_>) {
    let mut first = 0;
    // SAFETY: the channels are the layer's.
    unsafe {
        while first + V::LANES <= job.layer.channels {
            rows::<V, PIXELS>(job, first);
            first += V::LANES;
        }
        if first < job.layer.channels {
            rows::<V::Half, PIXELS>(job, first);
        }
    }
}

/// All pixels of one vector of channels; neighbours share what they read where the stride is one.
#[inline(always)]
unsafe fn rows<V: Simd, const PIXELS: usize>(job: &Job<'_>, channel: usize) {
    let stride = job.patches.step / job.layer.channels;
    for y in 0..job.size.height {
        let mut x = 0;
        // SAFETY: (x, y) and the pixels behind it in the row are the job's.
        unsafe {
            while x + PIXELS <= job.size.width {
                match stride {
                    1 => pixels::<V, PIXELS, 1>(job, x, y, channel),
                    2 => pixels::<V, PIXELS, 2>(job, x, y, channel),
                    _ => break,
                }
                x += PIXELS;
            }
            while x < job.size.width {
                pixels::<V, 1, 1>(job, x, y, channel);
                x += 1;
            }
        }
    }
}

/// Some neighbouring pixels.
#[inline(always)]
unsafe fn pixels<V: Simd, const PIXELS: usize, const STRIDE: usize>(job: &Job<'_>, x: usize, y: usize, channel: usize) {
    let channels = job.layer.channels;
    // SAFETY: the patches, the output and the nine weights of each channel are there, as `run` checked.
    unsafe {
        let mut sums = [V::load(job.layer.bias.as_ptr().add(channel)); PIXELS];
        let mut input = job.input.add(job.patches.at(x, y) + channel);
        let mut weights = job.layer.packed.as_ptr().add(channel);
        for _ in 0..3 {
            let factors = [V::load(weights), V::load(weights.add(channels)), V::load(weights.add(2 * channels))];
            for (pixel, sum) in sums.iter_mut().enumerate() {
                for (column, factor) in factors.iter().enumerate() {
                    let value = V::load(input.add((pixel * STRIDE + column) * channels));
                    *sum = value.mul_add(*factor, *sum);
                }
            }
            input = input.add(job.row);
            weights = weights.add(3 * channels);
        }
        let output = job.output.add((y * job.size.width + x) * channels + channel);
        for (pixel, sum) in sums.iter().enumerate() {
            sum.store(output.add(pixel * channels));
        }
    }
}

#[cfg(test)]
mod tests;
