//! What goes past the convolutions of a residual block and is added to their result.

use std::ops::Range;

use ostiary_kernels::{Grid, Isa, Pooled, Pooling, Size, pool};

use crate::fused::map::Map;

/// How the block's input is brought to the shape of its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fused) enum Side {
    /// It has it.
    Same,
    /// It is pooled, or gets more channels (of zero), or both.
    Shrunk(Shrunk),
}

/// A pooling; window and stride 1 for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fused) struct Shrunk {
    pub(in crate::fused) pooling: Pooling,
    pub(in crate::fused) side: usize,
    pub(in crate::fused) stride: usize,
}

impl Shrunk {
    /// Writes rows of the shortcut one after the other, `channels` values a pixel.
    pub(super) fn write(self, isa: Isa, map: Map, values: &[f32], to: &mut [f32], rows: Range<usize>, target: Map) {
        let channels = target.stored();
        if channels > map.stored() {
            to.fill(0.0);
        }
        let input = Pooled {
            values,
            grid: map.windows(self.stride, 0).down(rows.start),
            row: map.row(),
            channels: map.stored(),
            side: self.side,
        };
        let size = Size { width: target.width, height: rows.len() };
        pool(isa, self.pooling, size, input, to, Grid::packed(target.width, channels));
    }
}
