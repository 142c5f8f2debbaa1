//! The first convolution: from the planes of a picture, normalised, to a tensor.

use std::sync::Arc;

use ostiary_kernels::{Dense, Grid, Isa, Pooled, Pooling, Size, Target, Windows, pool as pool_kernel};
use tract_onnx::prelude::*;

use super::floor;
use crate::fused::map::Map;
use crate::fused::op::Step;
use crate::fused::pool;

/// A picture, [1, planes, height, width], and its normalisation: `value * scale + shift`, plane by plane.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::fused) struct Planes {
    pub(in crate::fused) width: usize,
    pub(in crate::fused) height: usize,
    pub(in crate::fused) scale: Vec<f32>,
    pub(in crate::fused) shift: Vec<f32>,
}

/// A max pooling behind the convolution.
#[derive(Clone, Copy, Debug)]
pub(in crate::fused) struct StemPool {
    pub(in crate::fused) side: usize,
    pub(in crate::fused) stride: usize,
}

/// `pool(relu(conv(picture * scale + shift)))`.
pub(in crate::fused) struct Stem {
    pub(in crate::fused) isa: Isa,
    pub(in crate::fused) planes: Planes,
    pub(in crate::fused) dense: Arc<Dense>,
    pub(in crate::fused) side: usize,
    pub(in crate::fused) stride: usize,
    /// Zeros put before the first row and column, after the normalisation.
    pub(in crate::fused) before: usize,
    /// What the convolution gives.
    pub(in crate::fused) conv: Map,
    pub(in crate::fused) pooling: Option<StemPool>,
    pub(in crate::fused) output: Map,
}

impl std::fmt::Debug for Stem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { planes, side, stride, conv, output, .. } = self;
        write!(f, "Stem({planes:?}, {side}x{side}/{stride} -> {conv:?} -> {output:?})")
    }
}

impl Step for Stem {
    fn name(&self) -> &'static str {
        "FusedStem"
    }

    fn shapes(&self) -> Vec<Vec<usize>> {
        vec![self.output.shape().to_vec()]
    }

    fn run(&self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) -> TractResult<()> {
        let (width, height) = self.padded();
        pool::with_scratch(self.planes.scale.len() * width * height, |planes| {
            self.normalise(inputs[0], planes);
            match self.pooling {
                None => self.conv(planes, outputs[0], self.conv.pixels()),
                Some(pooling) => self.pooled(planes, pooling, outputs[0]),
            }
        });
        Ok(())
    }
}

impl Stem {
    /// Width and height of the planes with their padding, as far as the filter reaches.
    fn padded(&self) -> (usize, usize) {
        let reached =
            |outputs: usize, inputs: usize| ((outputs - 1) * self.stride + self.side).max(inputs + self.before);
        (reached(self.conv.width, self.planes.width), reached(self.conv.height, self.planes.height))
    }

    /// Padding comes after normalisation, as in the graph: zeros, not black.
    fn normalise(&self, picture: &[f32], padded: &mut [f32]) {
        let (width, height) = self.padded();
        let planes = &self.planes;
        let inputs = picture.chunks_exact(planes.width * planes.height);
        for (index, (input, plane)) in inputs.zip(padded.chunks_exact_mut(width * height)).enumerate() {
            let (scale, shift) = (planes.scale[index], planes.shift[index]);
            let (above, rest) = plane.split_at_mut(self.before * width);
            above.fill(0.0);
            let mut rows = rest.chunks_exact_mut(width);
            for (input, row) in input.chunks_exact(planes.width).zip(&mut rows) {
                let (left, row) = row.split_at_mut(self.before);
                let (row, right) = row.split_at_mut(planes.width);
                left.fill(0.0);
                right.fill(0.0);
                row.iter_mut().zip(input).for_each(|(to, value)| *to = value * scale + shift);
            }
            rows.for_each(|row| row.fill(0.0));
        }
    }

    fn conv(&self, planes: &[f32], output: &mut [f32], grid: Grid) {
        let (width, height) = self.padded();
        let row_of = |run: usize| (run / self.side * height + run % self.side) * width;
        let runs: Vec<usize> = (0..self.planes.scale.len() * self.side).map(row_of).collect();
        let windows = Grid { origin: 0, row: self.stride * width, step: self.stride };
        let mut target = Target { values: output, grid, floor: floor(true) };
        self.dense.run(self.conv.size(), Windows { values: planes, grid: windows, runs: &runs }, &mut target, None);
    }

    fn pooled(&self, planes: &[f32], StemPool { side, stride }: StemPool, output: &mut [f32]) {
        let channels = self.conv.stored();
        let row = self.conv.width * channels;
        pool::with_scratch(self.conv.height * row, |values| {
            self.conv(planes, values, Grid::packed(self.conv.width, channels));
            let grid = Grid { origin: 0, row: stride * row, step: stride * channels };
            let size = Size { width: self.output.width, height: self.output.height };
            let windows = Pooled { values, grid, row, channels, side };
            pool_kernel(self.isa, Pooling::Max, size, windows, output, self.output.pixels());
        });
    }
}
