//! The bare nets, for benches: how long a net takes without anything around it.

use tract_onnx::prelude::Tensor;

use crate::detect::InputSize;
use crate::frame::RgbImage;
use crate::inference::{Kernels, NetKernels, Network, NetworkError, Pixels, Session};
use crate::pack::Pack;

/// One net with one input, ready to be run again and again.
pub struct BareNet {
    session: Session,
    input: Tensor,
    kernels: NetKernels,
}

impl BareNet {
    /// The pack's detector on `picture`, whose sides must be multiples the net can take.
    ///
    /// # Errors
    /// [`NetworkError`] if the net cannot be read or prepared.
    pub fn detector(pack: &Pack, picture: &RgbImage, kernels: Kernels) -> Result<Self, NetworkError> {
        let spec = &pack.manifest().detector;
        let pixels = Pixels::new(spec.color, spec.mean, spec.std);
        Self::prepare(Network::read("detector", &pack.detector_path(), kernels)?, &pixels, picture)
    }

    /// The pack's embedder on a chip of its side.
    ///
    /// # Errors
    /// [`NetworkError`] if the net cannot be read or prepared.
    pub fn embedder(pack: &Pack, chip: &RgbImage, kernels: Kernels) -> Result<Self, NetworkError> {
        let spec = &pack.manifest().embedder;
        let pixels = Pixels::new(spec.color, spec.mean, spec.std);
        Self::prepare(Network::read("embedder", &pack.embedder_path(), kernels)?, &pixels, chip)
    }

    /// Runs the net once; gives the number of values it produced.
    ///
    /// # Errors
    /// [`NetworkError`] if it fails.
    pub fn run(&mut self) -> Result<usize, NetworkError> {
        let outputs = self.session.run(self.input.clone())?;
        Ok(outputs.views().iter().map(|output| output.values.len()).sum())
    }

    /// Runs the net once; gives all its outputs, one after the other.
    ///
    /// # Errors
    /// [`NetworkError`] if it fails.
    pub fn outputs(&mut self) -> Result<Vec<f32>, NetworkError> {
        let outputs = self.session.run(self.input.clone())?;
        Ok(outputs.views().iter().flat_map(|output| output.values.to_vec()).collect())
    }

    /// What it is computed with.
    #[must_use]
    pub const fn kernels(&self) -> &NetKernels {
        &self.kernels
    }

    fn prepare(network: Network, pixels: &Pixels, picture: &RgbImage) -> Result<Self, NetworkError> {
        let plan = network.plan(InputSize { width: picture.width(), height: picture.height() })?;
        Ok(Self {
            session: Session::new(network.name(), &plan)?,
            input: pixels.tensor(picture),
            kernels: network.kernels(),
        })
    }
}
