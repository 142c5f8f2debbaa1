//! A step as an operation of tract.

use std::sync::Arc;

use tract_onnx::tract_core::internal::*;

use super::pool;

/// A part of a net computed in one go.
pub(super) trait Step: std::fmt::Debug + Send + Sync {
    /// For tract's dumps.
    fn name(&self) -> &'static str;

    /// The shapes of what it gives.
    fn shapes(&self) -> Vec<Vec<usize>>;

    /// Whether what it gives goes on to other steps, as a tensor with a border.
    fn is_bordered(&self) -> bool {
        true
    }

    /// Computes. The shapes are those the step was made for; a bordered output has its border already, and all
    /// pixels inside are to be written.
    fn run(&self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) -> TractResult<()>;
}

/// The operation.
#[derive(Clone, Debug)]
pub(super) struct Fused(pub(super) Arc<dyn Step>);

impl PartialEq for Fused {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Fused {}

impl Op for Fused {
    fn name(&self) -> StaticName {
        self.0.name().into()
    }

    op_as_typed_op!();
}

impl EvalOp for Fused {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let mut outputs = self.empty_outputs()?;
        self.compute(&inputs, &mut outputs)?;
        inputs.into_iter().for_each(pool::take_back);
        Ok(outputs.into_iter().map(Tensor::into_tvalue).collect())
    }
}

impl Fused {
    fn empty_outputs(&self) -> TractResult<Vec<Tensor>> {
        let empty = |shape: Vec<usize>| match shape[..] {
            [height, width, channels] if self.0.is_bordered() => pool::bordered([height, width, channels]),
            _ => Tensor::zero::<f32>(&shape),
        };
        self.0.shapes().into_iter().map(empty).collect()
    }

    fn compute(&self, inputs: &[TValue], outputs: &mut [Tensor]) -> TractResult<()> {
        let inputs: Vec<_> = inputs.iter().map(|input| input.try_as_plain_ram()).collect::<TractResult<_>>()?;
        let inputs: Vec<&[f32]> = inputs.iter().map(|input| input.as_slice()).collect::<TractResult<_>>()?;
        let mut outputs: Vec<_> = outputs.iter_mut().map(Tensor::try_as_plain_ram_mut).collect::<TractResult<_>>()?;
        let mut outputs: Vec<&mut [f32]> =
            outputs.iter_mut().map(|output| output.as_slice_mut()).collect::<TractResult<_>>()?;
        self.0.run(&inputs, &mut outputs)
    }
}

impl TypedOp for Fused {
    fn output_facts(&self, _: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(self.0.shapes().into_iter().map(f32::fact).collect())
    }

    as_op!();
}
