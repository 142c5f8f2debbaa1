//! The end of a net: a detector's heads, or an embedder's mean and matrix.

use std::sync::Arc;

use ostiary_kernels::{Dense, rounded};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::change_axes::AxisOp;
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::math::Div;
use tract_onnx::tract_core::ops::nn::{Reduce, Reducer};

use super::{Fusion, Mismatch, whole};
use crate::fused::graph::Conv;
use crate::fused::steps::{Head, Tail};
use crate::fused::weights::channels_last;

impl Fusion<'_> {
    /// The outputs of the new model, in the order of the old one's.
    pub(super) fn outputs(&mut self) -> Result<TVec<OutletId>, Mismatch> {
        let outputs = self.graph.0.output_outlets().map_err(|_| whole("it has no outputs"))?.to_vec();
        let heads: Option<Vec<Conv>> = outputs.iter().map(|output| self.head(*output)).collect();
        match (heads, &outputs[..]) {
            (Some(heads), _) if !heads.is_empty() => self.heads(&heads),
            (None, &[output]) => self.tail(output),
            _ => Err(whole("its outputs are neither heads of a detector nor an embedding")),
        }
    }

    /// [1, values, height, width] turned to [1, height * width, values], behind a 1x1 convolution.
    fn head(&self, outlet: OutletId) -> Option<Conv> {
        let (reshaped, turned) = self.axes(outlet)?;
        let AxisOp::Reshape(1, from, to) = reshaped else { return None };
        let (moved, conv) = self.axes(turned)?;
        let conv = self.graph.conv(conv).filter(|conv| !conv.depthwise && (conv.side, conv.stride) == (1, 1))?;
        (*moved == AxisOp::Move(1, 3) && from.len() == 2 && to.len() == 1 && conv.before == 0).then_some(conv)
    }

    fn axes(&self, outlet: OutletId) -> Option<(&AxisOp, OutletId)> {
        let (op, inputs) = self.graph.any(outlet);
        Some((op.downcast_ref::<AxisOp>()?, *inputs.first()?))
    }

    fn heads(&mut self, convs: &[Conv]) -> Result<TVec<OutletId>, Mismatch> {
        let first = &convs[0];
        if let Some(other) = convs.iter().find(|conv| conv.input != first.input) {
            return Err(other.mismatch("the heads do not look at the same tensor"));
        }
        let input = self.tensor(first.input)?;
        let dense = self.weights.dense_from(&first.name, || {
            let (mut weights, mut bias) = (Vec::new(), Vec::new());
            for conv in convs {
                let (these, biases) = self.graph.weights(conv)?;
                weights.extend(channels_last(&these, conv.inputs, 1));
                bias.extend(biases);
            }
            Ok(Dense::new(self.weights.isa(), &weights, &bias, 1, rounded(first.inputs)))
        })?;
        let outputs = convs.iter().map(|conv| conv.outputs).collect();
        self.wire("heads", Head { dense, input: input.map, outputs }, &[input.outlet])
    }

    /// `mean over pixels, times a matrix`.
    fn tail(&mut self, outlet: OutletId) -> Result<TVec<OutletId>, Mismatch> {
        let unknown = |fusion: &Self| fusion.graph.mismatch(outlet, "no embedding of a mean and a matrix");
        let (mean, matrix) = self.product(outlet).ok_or_else(|| unknown(self))?;
        let pixels = self.mean(mean).ok_or_else(|| unknown(self))?;
        let input = self.tensor(pixels)?;
        let outputs = matrix.len() / input.map.channels;
        if matrix.len() != outputs * input.map.channels {
            return Err(unknown(self));
        }
        let dense = self.tail_weights(outlet, &matrix, input.map.channels)?;
        self.wire("embedding", Tail { dense, input: input.map, outputs }, &[input.outlet])
    }

    fn tail_weights(&self, outlet: OutletId, matrix: &[f32], inputs: usize) -> Result<Arc<Dense>, Mismatch> {
        self.weights.dense_from(&self.graph.0.node(outlet.node).name, || {
            let (outputs, stored) = (matrix.len() / inputs, rounded(inputs));
            let mut weights = vec![0.0; outputs * stored];
            for (at, weight) in matrix.iter().enumerate() {
                weights[at % outputs * stored + at / outputs] = *weight;
            }
            Ok(Dense::new(self.weights.isa(), &weights, &vec![0.0; outputs], 1, stored))
        })
    }

    /// Of `x * matrix`, x and the matrix, row by row.
    fn product(&self, outlet: OutletId) -> Option<(OutletId, Vec<f32>)> {
        let (op, inputs) = self.graph.any(outlet);
        let op = op.downcast_ref::<EinSum>()?;
        let &[vector, matrix] = inputs else { return None };
        let plain = op.axes.to_string() == "mk,kn->mn" && op.q_params.is_none();
        let one = self.graph.shape(vector)?.first() == Some(&1);
        (plain && one).then_some(())?;
        Some((vector, self.graph.values(matrix)?))
    }

    /// Of a mean over all pixels, without its axes of one, what it is the mean of.
    fn mean(&self, outlet: OutletId) -> Option<OutletId> {
        let mut at = outlet;
        while let Some((AxisOp::Rm(axis), input)) = self.axes(at) {
            (*axis >= 2).then_some(())?;
            at = input;
        }
        let (sum, count) = self.graph.binary::<Div>(at)?;
        let (op, inputs) = self.graph.any(sum);
        let op = op.downcast_ref::<Reduce>().filter(|op| op.reducer == Reducer::Sum && op.axes[..] == [2, 3])?;
        let pixels = *inputs.first()?;
        let &[_, _, height, width] = self.graph.shape(pixels)?.as_slice() else { return None };
        let _ = op;
        (self.graph.values(count)? == [(height * width) as f32]).then_some(pixels)
    }
}
