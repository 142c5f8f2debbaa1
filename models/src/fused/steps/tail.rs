//! The end of an embedder: the mean over all pixels, then a matrix.

use std::sync::Arc;

use ostiary_kernels::{Dense, Grid, Size, Target, Windows};
use tract_onnx::prelude::*;

use super::floor;
use crate::fused::map::Map;
use crate::fused::op::Step;
use crate::fused::pool;

/// `matrix(mean(x))`, given out as [1, outputs].
pub(in crate::fused) struct Tail {
    pub(in crate::fused) dense: Arc<Dense>,
    pub(in crate::fused) input: Map,
    pub(in crate::fused) outputs: usize,
}

impl std::fmt::Debug for Tail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tail({:?} -> {})", self.input, self.outputs)
    }
}

impl Step for Tail {
    fn name(&self) -> &'static str {
        "FusedTail"
    }

    fn shapes(&self) -> Vec<Vec<usize>> {
        vec![vec![1, self.outputs]]
    }

    fn is_bordered(&self) -> bool {
        false
    }

    fn run(&self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) -> TractResult<()> {
        let (inner, stored) = (self.input.stored(), self.dense.outputs());
        pool::with_scratch(inner + stored, |scratch| {
            let (mean, embedding) = scratch.split_at_mut(inner);
            self.mean(inputs[0], mean);
            let one = Size { width: 1, height: 1 };
            let windows = Windows { values: mean, grid: Grid::packed(1, inner), runs: &[0] };
            let mut target = Target { values: embedding, grid: Grid::packed(1, stored), floor: floor(false) };
            self.dense.run(one, windows, &mut target, None);
            outputs[0].copy_from_slice(&embedding[..self.outputs]);
        });
        Ok(())
    }
}

impl Tail {
    fn mean(&self, input: &[f32], mean: &mut [f32]) {
        let Map { width, height, .. } = self.input;
        mean.fill(0.0);
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            let pixel = &input[self.input.pixels().at(x, y)..][..mean.len()];
            mean.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
        }
        let scale = 1.0 / (width * height) as f32;
        mean.iter_mut().for_each(|sum| *sum *= scale);
    }
}
