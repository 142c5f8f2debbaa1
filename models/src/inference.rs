//! The one room that knows tract: reading a net, fixing its input's shape, running it.
//!
//! Everything above speaks of pictures and plain numbers. In [`Network::plan`] a net is made ready for one shape:
//! with our own kernels (`fused.rs`) where it is of an architecture they know, else as tract optimises it.

#[cfg(test)]
mod golden;
mod kernels;
mod pixels;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::Factoid;
use tract_onnx::tract_hir::internal::DimLike;

pub use kernels::{EngineKernels, Kernels, KernelsSetting, NetKernels};
pub(crate) use pixels::Pixels;

use crate::detect::{InputSize, Output};
use crate::fused::{self, Weights};

/// A model cannot be made to run.
#[derive(Debug, thiserror::Error)]
#[error("the {net} {}: {reason}", step.as_str())]
pub struct NetworkError {
    /// `detector` or `embedder`.
    pub net: &'static str,
    /// How far it came.
    pub step: NetworkStep,
    /// What tract says.
    pub reason: String,
}

/// The steps from a file to a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkStep {
    /// Reading the file.
    Read,
    /// Fixing the input's shape and optimising.
    Prepare,
    /// Running.
    Run,
}

impl NetworkStep {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "cannot be read as ONNX",
            Self::Prepare => "cannot be prepared for its input size",
            Self::Run => "failed to run",
        }
    }
}

/// A net as read from its file, before its input has a shape.
pub(crate) struct Network {
    name: &'static str,
    model: InferenceModel,
    /// Packed weights of our own kernels, if they may be used.
    fused: Option<Weights>,
    /// Found out when the first plan is made.
    kernels: OnceLock<NetKernels>,
}

/// A net made ready for one input shape; shared between threads.
pub(crate) type Plan = Arc<TypedSimplePlan>;

/// One thread's use of a [`Plan`].
pub(crate) struct Session {
    name: &'static str,
    state: TypedSimpleState,
}

/// What a net gave, in the order of the graph's outputs.
pub(crate) struct Outputs(Vec<Tensor>);

impl Network {
    /// Reads an ONNX file; its bytes are not kept.
    pub(crate) fn read(name: &'static str, path: &Path, kernels: Kernels) -> Result<Self, NetworkError> {
        let model = guarded(name, NetworkStep::Read, || tract_onnx::onnx().model_for_path(path))?;
        Ok(Self { name, model, fused: kernels.isa().map(Weights::new), kernels: OnceLock::new() })
    }

    /// Makes the net ready for an input of [1, 3, height, width]: once, then shared.
    pub(crate) fn plan(&self, input: InputSize) -> Result<Plan, NetworkError> {
        guarded(self.name, NetworkStep::Prepare, || self.prepared(input))
    }

    /// What the last plan made is computed with; before any, what was asked for.
    pub(crate) fn kernels(&self) -> NetKernels {
        self.kernels.get().cloned().unwrap_or_else(|| match &self.fused {
            Some(weights) => NetKernels::Fused(weights.isa()),
            None => NetKernels::Stock("as configured".to_owned()),
        })
    }

    fn prepared(&self, input: InputSize) -> TractResult<Plan> {
        let shape = [1, 3, input.height as usize, input.width as usize];
        self.accepts(&shape)?;
        let fact = InferenceFact::dt_shape(f32::datum_type(), shape);
        let model = self.model.clone().with_input_fact(0, fact)?;
        match self.fused(&model) {
            Some(fused) => fused.into_runnable(),
            None => model.into_optimized()?.into_runnable(),
        }
    }

    /// The net with our own kernels. `None` if they are not wanted, or do not know it: then the log says why.
    fn fused(&self, model: &InferenceModel) -> Option<TypedModel> {
        let weights = self.fused.as_ref()?;
        // What tract cannot type it cannot optimise either, and says so then.
        let typed = model.clone().into_typed().ok()?;
        let (found, fused) = match fused::fuse(&typed, weights) {
            Ok(fused) => (NetKernels::Fused(weights.isa()), Some(fused)),
            Err(mismatch) => (NetKernels::Stock(format!("the graph does not match: {mismatch}")), None),
        };
        if self.kernels.set(found.clone()).is_ok() {
            tracing::info!("{}: {found}", self.name);
        }
        fused
    }

    /// A side the graph fixes must be the one asked for: tract takes any shape it is told, and fails later in
    /// words that help nobody.
    fn accepts(&self, shape: &[usize]) -> TractResult<()> {
        let declared: Vec<_> = self.model.input_fact(0)?.shape.dims().map(|dim| dim.concretize()).collect();
        let fixed = |dim: &Option<TDim>| dim.as_ref().and_then(|dim| dim.to_usize().ok());
        let fits = declared.len() == shape.len()
            && declared.iter().zip(shape).all(|(dim, side)| fixed(dim).is_none_or(|fixed| fixed == *side));
        if fits || declared.is_empty() {
            return Ok(());
        }
        let sides: Vec<String> =
            declared.iter().map(|dim| fixed(dim).map_or("any".to_owned(), |n| n.to_string())).collect();
        Err(TractError::msg(format!("it takes [{}], asked for {shape:?}", sides.join(", "))))
    }

    /// `detector` or `embedder`.
    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// How many inputs and outputs the graph has.
    pub(crate) fn arity(&self) -> (usize, usize) {
        let inputs = self.model.input_outlets().map_or(0, <[_]>::len);
        (inputs, self.model.output_outlets().map_or(0, <[_]>::len))
    }
}

impl Session {
    pub(crate) fn new(name: &'static str, plan: &Plan) -> Result<Self, NetworkError> {
        let state = guarded(name, NetworkStep::Prepare, || plan.spawn())?;
        Ok(Self { name, state })
    }

    /// Runs the net on one input, as [`Pixels::tensor`] makes them.
    pub(crate) fn run(&mut self, input: Tensor) -> Result<Outputs, NetworkError> {
        let outputs = guarded(self.name, NetworkStep::Run, || self.state.run(tvec!(input.into_tvalue())))?;
        Ok(Outputs(outputs.into_iter().map(TValue::into_tensor).collect()))
    }
}

impl Outputs {
    /// The outputs as plain numbers; one that is not f32 comes out empty and fails its shape check.
    pub(crate) fn views(&self) -> Vec<Output<'_>> {
        let view = |tensor| Output { shape: Tensor::shape(tensor), values: values(tensor) };
        self.0.iter().map(view).collect()
    }
}

fn values(tensor: &Tensor) -> &[f32] {
    tensor.try_as_plain_ram().ok().and_then(|plain| plain.as_slice::<f32>().ok()).unwrap_or_default()
}

/// Runs a step in tract. A model of unknown make can drive tract into a panic, which must not end a program
/// that only asked whether the model is usable; what the closure changes is not used after a failure, or is
/// overwritten by the next run.
fn guarded<T>(net: &'static str, step: NetworkStep, work: impl FnOnce() -> TractResult<T>) -> Result<T, NetworkError> {
    let failed = |reason| NetworkError { net, step, reason };
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| failed(format!("{error:#}"))),
        Err(_) => Err(failed("tract gave up on it (its own report is above)".to_owned())),
    }
}
