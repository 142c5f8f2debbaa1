//! Convolutions with a shortcut around them, and a ReLU over the sum.

use ostiary_kernels::{Pooling, Size};
use tract_onnx::prelude::*;

use super::{Fusion, Mismatch};
use crate::fused::graph::Conv;
use crate::fused::map::Map;
use crate::fused::steps::{Block, ConvStep, Separable, Shrunk, Side};

/// A depthwise and a 1x1 convolution as the graph has them.
struct Pair {
    depthwise: Conv,
    pointwise: Conv,
}

impl Fusion<'_> {
    /// `relu(sum)`: either part of the sum may be the shortcut.
    pub(super) fn residual(&mut self, name: &str, sum: OutletId, map: Map) -> Result<OutletId, Mismatch> {
        let (a, b) = self.graph.sum(sum).ok_or_else(|| self.graph.mismatch(sum, "no sum"))?;
        for (body, side) in [(a, b), (b, a)] {
            if let Some((first, second)) = self.pairs(body) {
                return self.block(name, &first, &second, side, map);
            }
        }
        for (body, side) in [(a, b), (b, a)] {
            let (unpadded, ends) = self.graph.padded(body).unwrap_or((body, [0; 4]));
            if let (Some(conv), [0, 0, _, _]) = (self.graph.conv(unpadded).filter(|conv| !conv.depthwise), ends) {
                return self.conv_with_side(name, &conv, unpadded, side, map);
            }
        }
        Err(self.graph.mismatch(sum, "no kernel is known for the parts of this sum"))
    }

    /// Two depthwise-separable convolutions, a ReLU between them.
    fn pairs(&self, outlet: OutletId) -> Option<(Pair, Pair)> {
        let second = self.pair(outlet)?;
        let first = self.pair(self.graph.relu(second.depthwise.input)?)?;
        Some((first, second))
    }

    fn pair(&self, outlet: OutletId) -> Option<Pair> {
        let pointwise = self.graph.conv(outlet).filter(|conv| !conv.depthwise && conv.side == 1 && conv.stride == 1)?;
        let depthwise = self.graph.conv(pointwise.input).filter(|conv| conv.depthwise && conv.side == 3)?;
        (pointwise.before == 0).then_some(Pair { depthwise, pointwise })
    }

    fn block(
        &mut self,
        name: &str,
        first: &Pair,
        second: &Pair,
        side: OutletId,
        output: Map,
    ) -> Result<OutletId, Mismatch> {
        let input = self.tensor(first.depthwise.input)?;
        let inner = self.map(second.depthwise.input)?;
        let (side, beside) = self.side(side, output)?;
        if beside != first.depthwise.input || (second.depthwise.stride, second.depthwise.before) != (1, 1) {
            return Err(second.depthwise.mismatch("the shortcut goes around something else"));
        }
        if inner.size() != output.size() {
            return Err(second.depthwise.mismatch("it changes the size of its input"));
        }
        let first = self.separable(first, input.map, inner)?;
        let second = self.separable(second, inner, output)?;
        let step = Block { isa: self.weights.isa(), input: input.map, inner, output, first, second, side };
        Ok(self.wire(name, step, &[input.outlet])?[0])
    }

    fn separable(&self, pair: &Pair, input: Map, output: Map) -> Result<Separable, Mismatch> {
        let Pair { depthwise, pointwise } = pair;
        let (stride, before) = (depthwise.stride, depthwise.before);
        if !input.holds(output.size(), 3, stride, before) {
            return Err(depthwise.mismatch("its filter reaches further than a border of one pixel"));
        }
        let (depthwise, pointwise) =
            (self.weights.depthwise(&self.graph, depthwise)?, self.weights.dense(&self.graph, pointwise)?);
        Ok(Separable { depthwise, pointwise, stride, before })
    }

    fn conv_with_side(
        &mut self,
        name: &str,
        conv: &Conv,
        outlet: OutletId,
        side: OutletId,
        output: Map,
    ) -> Result<OutletId, Mismatch> {
        let input = self.tensor(conv.input)?;
        let (side, beside) = self.side(side, output)?;
        let beside = self.tensor(beside)?;
        let covered = self.map(outlet)?;
        if side == Side::Same && covered != output {
            return Err(conv.mismatch("its output is padded, and its shortcut is not pooled"));
        }
        let shortcut = Some((side, beside.map));
        let Size { width, height } = covered.size();
        let step =
            ConvStep { output, covered: Size { width, height }, shortcut, ..self.conv(conv, input.map, covered)? };
        Ok(self.wire(name, step, &[input.outlet, beside.outlet])?[0])
    }

    /// How a shortcut comes to the shape of the sum, and from which outlet.
    fn side(&self, outlet: OutletId, output: Map) -> Result<(Side, OutletId), Mismatch> {
        let (unpadded, ends) = self.graph.padded(outlet).unwrap_or((outlet, [0; 4]));
        // What the net already goes on from is not taken apart again.
        let pooled = self.graph.pooled(unpadded).filter(|_| !self.done.contains_key(&unpadded));
        let beside = pooled.as_ref().map_or(unpadded, |pooled| pooled.input);
        let unknown = |reason| self.graph.mismatch(outlet, reason);
        if ends[0] + ends[2] + ends[3] > 0 {
            return Err(unknown("a shortcut may be padded by channels only"));
        }
        let (from, to) = (self.map(beside)?, self.map(unpadded)?);
        if to.size() != output.size() || to.channels + ends[1] != output.channels {
            return Err(unknown("the shortcut is of another shape than what it is added to"));
        }
        let Some(pooled) = pooled else {
            let copied = Shrunk { pooling: Pooling::Max, side: 1, stride: 1 };
            return Ok((if from == output { Side::Same } else { Side::Shrunk(copied) }, beside));
        };
        let (pooling, side, stride) = (pooled.pooling, pooled.side, pooled.stride);
        if from.stored() > output.stored() || !from.holds(to.size(), side, stride, 0) {
            return Err(unknown("the shortcut's pooling reaches beyond its input"));
        }
        Ok((Side::Shrunk(Shrunk { pooling, side, stride }), beside))
    }
}
