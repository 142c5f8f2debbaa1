//! The beginning of a net: normalisation and the first convolution.

use ostiary_kernels::{Dense, Pooling};
use tract_onnx::prelude::*;

use super::{Fusion, Mismatch};
use crate::fused::graph::{Affine, Conv, Pooled};
use crate::fused::map::Map;
use crate::fused::steps::{Planes, Stem, StemPool};

impl Fusion<'_> {
    /// The net's input with the normalisation before an outlet, if there is nothing else before it.
    pub(super) fn planes(&self, outlet: OutletId) -> Option<Planes> {
        let mut steps = Vec::new();
        let mut at = outlet;
        while !self.graph.is_source(at) {
            let (input, step) = self.graph.affine(at)?;
            steps.push(step);
            at = input;
        }
        let &[1, count, height, width] = self.graph.shape(at)?.as_slice() else { return None };
        let mut planes = Planes { width, height, scale: vec![1.0; count], shift: vec![0.0; count] };
        for step in steps.iter().rev() {
            let (Affine::Times(values) | Affine::Plus(values)) = step;
            if values.len() != 1 && values.len() != count {
                return None;
            }
            for index in 0..count {
                let value = values[index % values.len()];
                match step {
                    Affine::Times(_) => {
                        planes.scale[index] *= value;
                        planes.shift[index] *= value;
                    }
                    Affine::Plus(_) => planes.shift[index] += value,
                }
            }
        }
        Some(planes)
    }

    /// The first convolution of the net, `conv` at outlet `inner`.
    pub(super) fn stem(
        &mut self,
        name: &str,
        conv: &Conv,
        planes: Planes,
        inner: OutletId,
        pooling: Option<StemPool>,
        output: Map,
    ) -> Result<OutletId, Mismatch> {
        let isa = self.weights.isa();
        let dense = self.weights.dense_from(&conv.name, || {
            let (weights, bias) = self.graph.weights(conv)?;
            Ok(Dense::new(isa, &weights, &bias, conv.inputs * conv.side, conv.side))
        })?;
        let (side, stride, before) = (conv.side, conv.stride, conv.before);
        let conv = self.map(inner)?;
        let step = Stem { isa, planes, dense, side, stride, before, conv, pooling, output };
        let source = self.source.expect("set before the walk begins");
        Ok(self.wire(name, step, &[source])?[0])
    }

    /// A max pooling of the first convolution.
    pub(super) fn pooled_stem(&mut self, name: &str, pooled: &Pooled, map: Map) -> Result<OutletId, Mismatch> {
        let unknown = |fusion: &Self| fusion.graph.mismatch(pooled.input, "no kernel is known for it before a pooling");
        let inner = self.graph.relu(pooled.input).ok_or_else(|| unknown(self))?;
        let conv = self.graph.conv(inner).filter(|conv| !conv.depthwise).ok_or_else(|| unknown(self))?;
        let planes = self.planes(conv.input).ok_or_else(|| unknown(self))?;
        if pooled.pooling != Pooling::Max {
            return Err(unknown(self));
        }
        let pooling = StemPool { side: pooled.side, stride: pooled.stride };
        self.stem(name, &conv, planes, inner, Some(pooling), map)
    }
}
