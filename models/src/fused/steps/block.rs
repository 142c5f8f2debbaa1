//! Two depthwise-separable convolutions with a shortcut around them: what nearly all of the detector is made of.
//!
//! A few output rows are computed at a time, and of the tensor between the two halves only the rows they need, so that
//! both are still in the nearest cache when they are read again.

use std::ops::Range;
use std::sync::Arc;

use ostiary_kernels::{Dense, Depthwise, Grid, Isa, Patches, Shortcut, Size, Target, Windows};
use tract_onnx::prelude::*;

use super::{Side, floor};
use crate::fused::map::Map;
use crate::fused::op::Step;
use crate::fused::pool;

/// Pixels computed at a time, at least: enough for the inner loop to be busy, and few enough to stay near.
const PIXELS: usize = 48;

/// A depthwise 3x3 convolution and a 1x1 convolution.
pub(in crate::fused) struct Separable {
    pub(in crate::fused) depthwise: Arc<Depthwise>,
    pub(in crate::fused) pointwise: Arc<Dense>,
    pub(in crate::fused) stride: usize,
    /// Zeros put before the first row and column.
    pub(in crate::fused) before: usize,
}

/// `relu(second(relu(first(x))) + side(x))`.
pub(in crate::fused) struct Block {
    pub(in crate::fused) isa: Isa,
    pub(in crate::fused) input: Map,
    pub(in crate::fused) inner: Map,
    pub(in crate::fused) output: Map,
    pub(in crate::fused) first: Separable,
    pub(in crate::fused) second: Separable,
    pub(in crate::fused) side: Side,
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Block({:?} -> {:?} -> {:?}, {:?})", self.input, self.inner, self.output, self.side)
    }
}

impl Step for Block {
    fn name(&self) -> &'static str {
        "FusedBlock"
    }

    fn shapes(&self) -> Vec<Vec<usize>> {
        vec![self.output.shape().to_vec()]
    }

    fn run(&self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) -> TractResult<()> {
        let mut between = pool::bordered(self.inner.shape())?;
        {
            let mut plain = between.try_as_plain_ram_mut()?;
            self.rows(inputs[0], plain.as_slice_mut()?, outputs[0]);
        }
        pool::take_back(between.into_tvalue());
        Ok(())
    }
}

impl Block {
    fn rows(&self, input: &[f32], between: &mut [f32], output: &mut [f32]) {
        let (width, height) = (self.output.width, self.output.height);
        let at_once = PIXELS.div_ceil(width);
        let mut done = 0;
        for begin in (0..height).step_by(at_once) {
            let rows = begin..(begin + at_once).min(height);
            let needed = done..(rows.end + 1).min(height);
            done = needed.end;
            self.first.rows((self.input, input), (self.inner, between), needed, None, 0.0);
            self.with_side(input, rows.clone(), |side| {
                self.second.rows((self.inner, between), (self.output, output), rows, Some(side), floor(true));
            });
        }
    }

    /// Calls `work` with the shortcut of some rows.
    fn with_side(&self, input: &[f32], rows: Range<usize>, work: impl FnOnce(Shortcut<'_>)) {
        match self.side {
            Side::Same => work(Shortcut { values: input, grid: self.input.pixels().down(rows.start) }),
            Side::Shrunk(shrunk) => {
                let length = rows.len() * self.output.width * self.output.stored();
                pool::with_scratch(length, |values| {
                    shrunk.write(self.isa, self.input, input, values, rows, self.output);
                    work(Shortcut { values, grid: Grid::packed(self.output.width, self.output.stored()) });
                });
            }
        }
    }
}

impl Separable {
    /// Computes some rows of `output` from `input`.
    fn rows(
        &self,
        (from, input): (Map, &[f32]),
        (to, output): (Map, &mut [f32]),
        rows: Range<usize>,
        side: Option<Shortcut<'_>>,
        floor: f32,
    ) {
        let size = Size { width: to.width, height: rows.len() };
        let channels = self.depthwise.channels();
        pool::with_scratch(size.width * size.height * channels, |filtered| {
            let patches = Patches {
                values: input,
                grid: from.windows(self.stride, self.before).down(rows.start),
                row: from.row(),
            };
            self.depthwise.run(size, patches, filtered);
            let windows = Windows { values: filtered, grid: Grid::packed(to.width, channels), runs: &[0] };
            let mut target = Target { values: output, grid: to.pixels().down(rows.start), floor };
            self.pointwise.run(size, windows, &mut target, side);
        });
    }
}
