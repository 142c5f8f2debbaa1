//! The embedder: from an aligned chip to a vector.

use std::path::Path;
use std::sync::Arc;

use super::InferenceError;
use crate::align::{AlignedChip, Template};
use crate::detect::InputSize;
use crate::embed::Embedding;
use crate::inference::{Kernels, NetKernels, Network, NetworkError, Pixels, Plan, Session};
use crate::pack::EmbedderSpec;

const NAME: &str = "embedder";

/// The embedder: models shared between clones, one session for each clone, made when first needed.
pub(crate) struct EmbedderNet {
    shared: Arc<Shared>,
    session: Option<Session>,
}

struct Shared {
    dimension: usize,
    side: u32,
    template: Template,
    pixels: Pixels,
    plan: Plan,
    outputs: usize,
    kernels: NetKernels,
}

impl EmbedderNet {
    /// Reads the net and makes it ready for its one input size.
    pub(crate) fn load(spec: &EmbedderSpec, path: &Path, kernels: Kernels) -> Result<Self, NetworkError> {
        let network = Network::read(NAME, path, kernels)?;
        let plan = network.plan(InputSize { width: spec.input_side, height: spec.input_side })?;
        let shared = Shared {
            dimension: spec.dimension,
            side: spec.input_side,
            template: spec.template(),
            pixels: Pixels::new(spec.color, spec.mean, spec.std),
            plan,
            outputs: network.arity().1,
            kernels: network.kernels(),
        };
        Ok(Self { shared: Arc::new(shared), session: None })
    }

    pub(crate) fn dimension(&self) -> usize {
        self.shared.dimension
    }

    pub(crate) fn side(&self) -> u32 {
        self.shared.side
    }

    pub(crate) fn template(&self) -> &Template {
        &self.shared.template
    }

    /// What computes it.
    pub(crate) fn kernels(&self) -> &NetKernels {
        &self.shared.kernels
    }

    /// How many outputs the graph has; the first is the embedding.
    pub(crate) fn outputs(&self) -> usize {
        self.shared.outputs
    }

    /// Runs the net on a chip of its side.
    pub(crate) fn embed(&mut self, chip: &AlignedChip) -> Result<Embedding, InferenceError> {
        let (expected, found) = (self.side(), chip.side());
        if expected != found {
            return Err(InferenceError::ChipSide { expected, found });
        }
        let tensor = self.shared.pixels.tensor(chip.picture());
        let session = match &mut self.session {
            Some(session) => session,
            none => none.insert(Session::new(NAME, &self.shared.plan)?),
        };
        let outputs = session.run(tensor)?;
        let values = outputs.views().first().map_or(&[][..], |output| output.values).to_vec();
        if values.len() != self.dimension() {
            return Err(InferenceError::Dimension { expected: self.dimension(), found: values.len() });
        }
        Ok(Embedding::from_raw(values)?)
    }
}

impl Clone for EmbedderNet {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), session: None }
    }
}
