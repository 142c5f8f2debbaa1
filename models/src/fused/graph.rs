//! Reading a net as tract has it before any optimisation: one question an operation.

use std::sync::Arc;

use ostiary_kernels::Pooling;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::array::{Pad, PadMode};
use tract_onnx::tract_core::ops::binary::{BinMiniOp, TypedBinOp};
use tract_onnx::tract_core::ops::cnn::{self, KernelFormat, MaxPool, PaddingSpec, PoolSpec, SumPool};
use tract_onnx::tract_core::ops::math::{Add, Div, Max, Mul, Sub};
use tract_onnx::tract_core::ops::nn::DataFormat;
use tract_onnx::tract_hir::internal::{Op, TypedOp};

use super::Mismatch;

/// A net whose shapes are known.
pub(super) struct Graph<'a>(pub(super) &'a TypedModel);

/// A convolution with a square filter.
#[derive(Clone, Debug)]
pub(super) struct Conv {
    pub(super) name: String,
    pub(super) input: OutletId,
    weights: OutletId,
    bias: OutletId,
    /// Input channels of the whole, not of a group.
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) side: usize,
    pub(super) stride: usize,
    /// Zeros put before the first row and column.
    pub(super) before: usize,
    /// Whether each channel is filtered by itself.
    pub(super) depthwise: bool,
}

impl Conv {
    /// Why this convolution cannot be taken.
    pub(super) fn mismatch(&self, reason: &'static str) -> Mismatch {
        Mismatch { node: self.name.clone(), reason }
    }
}

/// A pooling by a square window without padding.
pub(super) struct Pooled {
    pub(super) input: OutletId,
    pub(super) pooling: Pooling,
    pub(super) side: usize,
    pub(super) stride: usize,
}

/// A step of normalisation, a value or one for each channel.
pub(super) enum Affine {
    Times(Vec<f32>),
    Plus(Vec<f32>),
}

impl Graph<'_> {
    fn node(&self, outlet: OutletId) -> &TypedNode {
        self.0.node(outlet.node)
    }

    fn op<T: Op>(&self, outlet: OutletId) -> Option<&T> {
        self.node(outlet).op_as::<T>()
    }

    fn input(&self, outlet: OutletId, index: usize) -> Option<OutletId> {
        self.node(outlet).inputs.get(index).copied()
    }

    /// Why the walk ends here.
    pub(super) fn mismatch(&self, outlet: OutletId, reason: &'static str) -> Mismatch {
        Mismatch { node: self.node(outlet).name.clone(), reason }
    }

    /// The shape, if it is known in full.
    pub(super) fn shape(&self, outlet: OutletId) -> Option<Vec<usize>> {
        self.0.outlet_fact(outlet).ok()?.shape.as_concrete().map(<[usize]>::to_vec)
    }

    /// Whether it is the net's input.
    pub(super) fn is_source(&self, outlet: OutletId) -> bool {
        self.0.input_outlets().is_ok_and(|inputs| inputs == [outlet])
    }

    /// The value of what is computed from constants alone.
    fn constant(&self, outlet: OutletId) -> Option<Arc<Tensor>> {
        if let Some(value) = &self.0.outlet_fact(outlet).ok()?.konst {
            return Some(Arc::clone(value));
        }
        let node = self.node(outlet);
        if node.inputs.is_empty() {
            return None;
        }
        let inputs = node.inputs.iter().map(|input| Some(self.constant(*input)?.into_tvalue()));
        let outputs = node.op.eval_out_of_plan(inputs.collect::<Option<_>>()?).ok()??;
        Some(outputs.get(outlet.slot)?.clone().into_arc_tensor())
    }

    /// The same as numbers.
    pub(super) fn values(&self, outlet: OutletId) -> Option<Vec<f32>> {
        let value = self.constant(outlet)?;
        let value = value.cast_to::<f32>().ok()?;
        Some(value.try_as_plain_ram().ok()?.as_slice::<f32>().ok()?.to_vec())
    }

    /// The inputs of an operation on two tensors.
    pub(super) fn binary<T: BinMiniOp>(&self, outlet: OutletId) -> Option<(OutletId, OutletId)> {
        let op = self.op::<TypedBinOp>(outlet)?;
        op.0.is::<T>().then_some(())?;
        Some((self.input(outlet, 0)?, self.input(outlet, 1)?))
    }

    /// Of `max(x, 0)`, x.
    pub(super) fn relu(&self, outlet: OutletId) -> Option<OutletId> {
        let (a, b) = self.binary::<Max>(outlet)?;
        let zero = |outlet| self.values(outlet).is_some_and(|values| values.iter().all(|value| *value == 0.0));
        if zero(b) { Some(a) } else { zero(a).then_some(b) }
    }

    /// Of a sum, its parts.
    pub(super) fn sum(&self, outlet: OutletId) -> Option<(OutletId, OutletId)> {
        self.binary::<Add>(outlet)
    }

    /// Of a normalisation, its input and what it does.
    pub(super) fn affine(&self, outlet: OutletId) -> Option<(OutletId, Affine)> {
        let by = |(input, by)| Some((input, self.values(by)?));
        let either = |(a, b)| by((a, b)).or_else(|| by((b, a)));
        let each = |values: Vec<f32>, work: fn(f32) -> f32| values.into_iter().map(work).collect();
        if let Some(inputs) = self.binary::<Mul>(outlet) {
            return either(inputs).map(|(input, values)| (input, Affine::Times(values)));
        }
        if let Some(inputs) = self.binary::<Add>(outlet) {
            return either(inputs).map(|(input, values)| (input, Affine::Plus(values)));
        }
        if let Some(inputs) = self.binary::<Sub>(outlet) {
            return by(inputs).map(|(input, values)| (input, Affine::Plus(each(values, |value| -value))));
        }
        let (input, values) = by(self.binary::<Div>(outlet)?)?;
        Some((input, Affine::Times(each(values, |value| 1.0 / value))))
    }

    /// A convolution our kernels may know.
    pub(super) fn conv(&self, outlet: OutletId) -> Option<Conv> {
        let op = self.op::<cnn::Conv>(outlet)?;
        let spec = &op.pool_spec;
        let (side, stride) = square(spec)?;
        let before = match &spec.padding {
            PaddingSpec::Valid => 0,
            PaddingSpec::Explicit(before, _) if before[0] == before[1] => before[0],
            _ => return None,
        };
        let depthwise = op.group > 1;
        let plain = op.kernel_fmt == KernelFormat::OIHW && op.q_params.is_none();
        let whole = !depthwise || (op.group == spec.input_channels && op.group == spec.output_channels);
        (plain && whole).then(|| Conv {
            name: self.node(outlet).name.clone(),
            input: self.node(outlet).inputs[0],
            weights: self.node(outlet).inputs[1],
            bias: self.node(outlet).inputs[2],
            inputs: spec.input_channels,
            outputs: spec.output_channels,
            side,
            stride,
            before,
            depthwise,
        })
    }

    /// Weights, as the graph has them, and bias of a convolution.
    pub(super) fn weights(&self, conv: &Conv) -> Result<(Vec<f32>, Vec<f32>), Mismatch> {
        let weights = self.values(conv.weights).ok_or_else(|| conv.mismatch("its weights are no constants"))?;
        let mut bias = self.values(conv.bias).ok_or_else(|| conv.mismatch("its bias is no constant"))?;
        if let [value] = bias[..] {
            bias = vec![value; conv.outputs];
        }
        let inputs = if conv.depthwise { 1 } else { conv.inputs };
        if bias.len() != conv.outputs || weights.len() != conv.outputs * inputs * conv.side * conv.side {
            return Err(conv.mismatch("it has another number of weights than its shape says"));
        }
        Ok((weights, bias))
    }

    /// A pooling our kernels know.
    pub(super) fn pooled(&self, outlet: OutletId) -> Option<Pooled> {
        let (spec, pooling) = if let Some(op) = self.op::<MaxPool>(outlet) {
            (&op.pool_spec, Pooling::Max)
        } else {
            let op = self.op::<SumPool>(outlet).filter(|op| op.normalize)?;
            (&op.pool_spec, Pooling::Mean)
        };
        let (side, stride) = square(spec)?;
        let unpadded = match &spec.padding {
            PaddingSpec::Valid => true,
            PaddingSpec::Explicit(before, after) | PaddingSpec::ExplicitOnnxPool(before, after, false) => {
                before.iter().chain(after).all(|pad| *pad == 0)
            }
            _ => false,
        };
        unpadded.then_some(Pooled { input: self.input(outlet, 0)?, pooling, side, stride })
    }

    /// Of a tensor with zeros put behind the ends of its axes, the tensor, and how many for each axis.
    pub(super) fn padded(&self, outlet: OutletId) -> Option<(OutletId, [usize; 4])> {
        let op = self.op::<Pad>(outlet)?;
        let zero = match &op.mode {
            PadMode::Constant(value) => value.cast_to_scalar::<f32>().is_ok_and(|value| value == 0.0),
            _ => false,
        };
        let &[(0, n), (0, c), (0, h), (0, w)] = op.pads.as_slice() else { return None };
        zero.then_some((self.input(outlet, 0)?, [n, c, h, w]))
    }

    /// Of a tensor doubled by linear interpolation with half-pixel centres, the tensor. Resizing has a dozen
    /// settings; whether they come to this is found out by trying.
    pub(super) fn doubled(&self, outlet: OutletId) -> Option<OutletId> {
        let node = self.node(outlet);
        if node.op.name() != "Resize" {
            return None;
        }
        let probe = Tensor::from_shape(&[1, 1, 1, 3], &[0.0f32, 4.0, 12.0]).ok()?;
        let rest = node.inputs[1..].iter().map(|input| Some(self.constant(*input)?.into_tvalue()));
        let inputs = std::iter::once(Some(probe.into_tvalue())).chain(rest).collect::<Option<_>>()?;
        let outputs = node.op.eval_out_of_plan(inputs).ok()??;
        let found = outputs.first()?.try_as_plain_ram().ok()?;
        let row = [0.0, 1.0, 3.0, 6.0, 10.0, 12.0];
        let expected = row.iter().chain(&row);
        let same = found.as_slice::<f32>().ok()?.iter().eq(expected) && outputs[0].shape() == [1, 1, 2, 6];
        same.then(|| node.inputs[0])
    }

    /// The operation behind an outlet, for what only one pattern asks.
    pub(super) fn any(&self, outlet: OutletId) -> (&dyn TypedOp, &[OutletId]) {
        let node = self.node(outlet);
        (node.op.as_ref(), &node.inputs)
    }
}

/// Side and stride of a window that is square, not dilated, and moves alike both ways.
fn square(spec: &PoolSpec) -> Option<(usize, usize)> {
    let &[height, width] = spec.kernel_shape.as_slice() else { return None };
    let alike = height == width && spec.stride(0) == spec.stride(1);
    let plain = spec.dilations().iter().all(|dilation| *dilation == 1) && spec.data_format == DataFormat::NCHW;
    (alike && plain && height > 0).then(|| (height, spec.stride(0)))
}
