//! A convolution over all channels, 1x1 or 3x3, with a shortcut added or without; and the one that brings a finer and
//! a doubled coarser tensor together.

use std::sync::Arc;

use ostiary_kernels::{Coarse, Dense, Grid, Isa, Shortcut, Size, Target, Windows, add_doubled};
use tract_onnx::prelude::*;

use super::{Side, floor};
use crate::fused::map::Map;
use crate::fused::op::Step;
use crate::fused::pool;

/// `relu(conv(x) + side(y))`, y the second input.
pub(in crate::fused) struct ConvStep {
    pub(in crate::fused) isa: Isa,
    pub(in crate::fused) dense: Arc<Dense>,
    pub(in crate::fused) input: Map,
    pub(in crate::fused) output: Map,
    /// What the convolution gives; where the output is larger, only the shortcut is there.
    pub(in crate::fused) covered: Size,
    pub(in crate::fused) side: usize,
    pub(in crate::fused) stride: usize,
    /// Zeros put before the first row and column.
    pub(in crate::fused) before: usize,
    /// The shortcut and the tensor it comes from.
    pub(in crate::fused) shortcut: Option<(Side, Map)>,
}

impl std::fmt::Debug for ConvStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { input, output, side, stride, shortcut, .. } = self;
        write!(f, "Conv({input:?} -> {output:?}, {side}x{side}/{stride}, {shortcut:?})")
    }
}

impl Step for ConvStep {
    fn name(&self) -> &'static str {
        "FusedConv"
    }

    fn shapes(&self) -> Vec<Vec<usize>> {
        vec![self.output.shape().to_vec()]
    }

    fn run(&self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) -> TractResult<()> {
        let output = &mut *outputs[0];
        match self.shortcut {
            None => self.conv(inputs[0], output, None),
            Some((Side::Same, map)) => {
                self.conv(inputs[0], output, Some(Shortcut { values: inputs[1], grid: map.pixels() }));
            }
            Some((Side::Shrunk(shrunk), map)) => {
                let (width, channels) = (self.output.width, self.output.stored());
                pool::with_scratch(width * self.output.height * channels, |values| {
                    shrunk.write(self.isa, map, inputs[1], values, 0..self.output.height, self.output);
                    self.uncovered(values, output);
                    self.conv(inputs[0], output, Some(Shortcut { values, grid: Grid::packed(width, channels) }));
                });
            }
        }
        Ok(())
    }
}

impl ConvStep {
    fn conv(&self, input: &[f32], output: &mut [f32], shortcut: Option<Shortcut<'_>>) {
        let row = self.input.row();
        let runs: Vec<usize> = (0..self.side).map(|y| y * row).collect();
        let windows = Windows { values: input, grid: self.input.windows(self.stride, self.before), runs: &runs };
        let mut target = Target { values: output, grid: self.output.pixels(), floor: floor(true) };
        self.dense.run(self.covered, windows, &mut target, shortcut);
    }

    /// The pixels the convolution does not reach: its padding of zero, the shortcut and the ReLU.
    fn uncovered(&self, shortcut: &[f32], output: &mut [f32]) {
        let (channels, grid) = (self.output.stored(), self.output.pixels());
        for (y, x) in (0..self.output.height).flat_map(|y| (0..self.output.width).map(move |x| (y, x))) {
            if y < self.covered.height && x < self.covered.width {
                continue;
            }
            let from = &shortcut[(y * self.output.width + x) * channels..][..channels];
            for (to, value) in output[grid.at(x, y)..][..channels].iter_mut().zip(from) {
                *to = value.max(0.0);
            }
        }
    }
}

/// `relu(conv(x)) + doubled(y)`.
#[derive(Debug)]
pub(in crate::fused) struct Lateral {
    pub(in crate::fused) conv: ConvStep,
    pub(in crate::fused) coarse: Map,
}

impl Step for Lateral {
    fn name(&self) -> &'static str {
        "FusedLateral"
    }

    fn shapes(&self) -> Vec<Vec<usize>> {
        self.conv.shapes()
    }

    fn run(&self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) -> TractResult<()> {
        self.conv.conv(inputs[0], outputs[0], None);
        let coarse = Coarse { values: inputs[1], grid: self.coarse.pixels(), size: self.coarse.size() };
        let fine = self.conv.output;
        add_doubled(self.conv.isa, coarse, outputs[0], fine.pixels(), fine.stored());
        Ok(())
    }
}
