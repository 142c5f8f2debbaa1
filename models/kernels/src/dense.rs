//! Convolutions over all channels, 1x1 to 7x7, and matrices: every output value is a sum over a few runs of
//! neighbouring input values. In a tensor whose channels lie together, the three pixels under one row of a 3x3 filter
//! are one such run.
//!
//! Start at [`Dense::run`]; the inner loop is in `dense/tile.rs`.

#![expect(unsafe_code, reason = "the inner loop works on pointers; all reaches are checked in `run`")]

mod packed;
mod tile;

use half::f16;

use crate::Isa;
use crate::grid::{Grid, Size, rounded};
use crate::simd::{Simd, Stored, dispatch};
use packed::Packed;
use tile::tile;

/// The weights of a layer, laid out for one instruction set.
pub struct Dense {
    isa: Isa,
    outputs: usize,
    runs: usize,
    run: usize,
    packed: Packed,
    bias: Vec<f32>,
}

/// What a layer reads.
#[derive(Clone, Copy)]
pub struct Windows<'a> {
    /// The values.
    pub values: &'a [f32],
    /// Where the window of each output pixel begins.
    pub grid: Grid,
    /// Where its runs begin, counted from there.
    pub runs: &'a [usize],
}

/// Where the outputs go.
pub struct Target<'a> {
    /// The values.
    pub values: &'a mut [f32],
    /// Where each output pixel begins.
    pub grid: Grid,
    /// The least value given out: 0 for a ReLU, else negative infinity.
    pub floor: f32,
}

/// What is added to each output pixel, as many channels as the layer gives.
#[derive(Clone, Copy)]
pub struct Shortcut<'a> {
    /// The values.
    pub values: &'a [f32],
    /// Where each pixel begins.
    pub grid: Grid,
}

/// All the kernel needs, as pointers.
struct Job<'a> {
    layer: &'a Dense,
    size: Size,
    input: *const f32,
    windows: Grid,
    runs: &'a [usize],
    output: *mut f32,
    targets: Grid,
    floor: f32,
    shortcut: Option<(*const f32, Grid)>,
}

impl Dense {
    /// Packs the weights of a layer: `weights` holds, for each output, `runs` runs of `run` values; `bias` one value
    /// for each output.
    ///
    /// # Panics
    /// If the slices are not as long as that.
    #[must_use]
    pub fn new(isa: Isa, weights: &[f32], bias: &[f32], runs: usize, run: usize) -> Self {
        assert_eq!(weights.len(), bias.len() * runs * run, "one weight for each output and input value");
        let isa = isa.or_scalar();
        let outputs = rounded(bias.len());
        let inputs = runs * run;
        let packed = Packed::new(isa, weights, inputs, outputs);
        let mut bias = bias.to_vec();
        bias.resize(outputs, 0.0);
        Self { isa, outputs, runs, run, packed, bias }
    }

    /// Channels it gives, rounded up.
    #[must_use]
    pub const fn outputs(&self) -> usize {
        self.outputs
    }

    /// Bytes its weights take.
    #[must_use]
    pub const fn size_bytes(&self) -> usize {
        self.packed.size_bytes() + 4 * self.bias.len()
    }

    /// Computes `size` output pixels.
    ///
    /// # Panics
    /// If windows, targets or shortcut reach beyond their values.
    pub fn run(&self, size: Size, input: Windows<'_>, output: &mut Target<'_>, shortcut: Option<Shortcut<'_>>) {
        if size.width == 0 || size.height == 0 {
            return;
        }
        assert_eq!(input.runs.len(), self.runs, "runs of the filter");
        let reach = input.runs.iter().max().map_or(0, |last| last + self.run);
        assert!(input.grid.end(size, reach) <= input.values.len(), "windows lie within the input");
        assert!(output.grid.end(size, self.outputs) <= output.values.len(), "targets lie within the output");
        if let Some(shortcut) = shortcut {
            assert!(shortcut.grid.end(size, self.outputs) <= shortcut.values.len(), "the shortcut covers the output");
        }
        let job = Job {
            layer: self,
            size,
            input: input.values.as_ptr(),
            windows: input.grid,
            runs: input.runs,
            output: output.values.as_mut_ptr(),
            targets: output.grid,
            floor: output.floor,
            shortcut: shortcut.map(|shortcut| (shortcut.values.as_ptr(), shortcut.grid)),
        };
        // SAFETY: all that is read and written was checked above; `new` chose an instruction set that is there.
        unsafe { run(self.isa, &job) }
    }
}

dispatch!(run, layer, Job<'_>, avx512: 12, avx2: 6, others: 6);

/// Everything, with the weights as they are kept.
#[inline(always)]
unsafe fn layer<V: Simd, const PIXELS: usize>(job: &Job<'_>) {
    match &job.layer.packed {
        // SAFETY: the pointer is to the layer's weights, the rest is what `run` checked.
        Packed::Whole(weights) => unsafe { columns::<V, f32, PIXELS>(job, weights.as_ptr()) },
        // SAFETY: as above.
        Packed::Halves(weights) => unsafe { columns::<V, f16, PIXELS>(job, weights.as_ptr()) },
    }
}

/// All pixels for two vectors of outputs, then the next two; what is left by one vector, then half of one.
#[inline(always)]
unsafe fn columns<V: Simd, W: Stored, const PIXELS: usize>(job: &Job<'_>, weights: *const W) {
    let outputs = job.layer.outputs;
    let mut first = 0;
    // SAFETY: each call stays within the layer's outputs, and they are what `run` checked.
    unsafe {
        while first + 2 * V::LANES <= outputs {
            pixels::<V, W, PIXELS, 2>(job, weights, first);
            first += 2 * V::LANES;
        }
        if first + V::LANES <= outputs {
            pixels::<V, W, PIXELS, 1>(job, weights, first);
            first += V::LANES;
        }
        if first < outputs {
            pixels::<V::Half, W, PIXELS, 1>(job, weights, first);
        }
    }
}

/// All pixels for `VECTORS` vectors of outputs, some pixels at a time, across the ends of rows.
#[inline(always)]
unsafe fn pixels<V: Simd, W: Stored, const PIXELS: usize, const VECTORS: usize>(
    job: &Job<'_>,
    weights: *const W,
    output: usize,
) {
    // SAFETY: within the packed weights, for `output` is where a group begins.
    let weights = unsafe { weights.add(output * job.runs.len() * job.layer.run) };
    let total = job.size.width * job.size.height;
    let mut first = 0;
    while first < total {
        // SAFETY: `first` is a pixel; a tile repeats the last pixel where there are fewer.
        unsafe {
            if total - first > 4 {
                tile::<V, W, PIXELS, VECTORS>(job, weights, first, output);
                first += PIXELS;
            } else {
                tile::<V, W, 4, VECTORS>(job, weights, first, output);
                first += 4;
            }
        }
    }
}

#[cfg(test)]
mod tests;
