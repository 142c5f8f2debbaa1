//! The last 1x1 convolutions of a detector, computed as one, each given out as [1, cells, values].

use std::sync::Arc;

use ostiary_kernels::{Dense, Grid, Target, Windows};
use tract_onnx::prelude::*;

use super::floor;
use crate::fused::map::Map;
use crate::fused::op::Step;
use crate::fused::pool;

/// The convolutions one after the other.
pub(in crate::fused) struct Head {
    pub(in crate::fused) dense: Arc<Dense>,
    pub(in crate::fused) input: Map,
    /// Values a cell of each output.
    pub(in crate::fused) outputs: Vec<usize>,
}

impl std::fmt::Debug for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Head({:?} -> {:?})", self.input, self.outputs)
    }
}

impl Step for Head {
    fn name(&self) -> &'static str {
        "FusedHead"
    }

    fn shapes(&self) -> Vec<Vec<usize>> {
        self.outputs.iter().map(|values| vec![1, self.input.width * self.input.height, *values]).collect()
    }

    fn is_bordered(&self) -> bool {
        false
    }

    fn run(&self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) -> TractResult<()> {
        let (size, stored) = (self.input.size(), self.dense.outputs());
        pool::with_scratch(size.width * size.height * stored, |cells| {
            let windows = Windows { values: inputs[0], grid: self.input.pixels(), runs: &[0] };
            let grid = Grid::packed(size.width, stored);
            self.dense.run(size, windows, &mut Target { values: cells, grid, floor: floor(false) }, None);
            let mut first = 0;
            for (output, values) in outputs.iter_mut().zip(&self.outputs) {
                for (cell, to) in cells.chunks_exact(stored).zip(output.chunks_exact_mut(*values)) {
                    to.copy_from_slice(&cell[first..first + values]);
                }
                first += values;
            }
        });
        Ok(())
    }
}
