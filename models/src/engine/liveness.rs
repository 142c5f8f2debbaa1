//! The pack's own liveness net, if it has one: from the surroundings of a face to how likely it lives.

use std::path::Path;
use std::sync::Arc;

use super::InferenceError;
use crate::detect::{DetectedFace, InputSize};
use crate::frame::RgbView;
use crate::geometry::Letterbox;
use crate::inference::{Kernels, Network, NetworkError, Pixels, Plan, Session};
use crate::pack::LivenessNetSpec;
use crate::resample;

const NAME: &str = "liveness net";

/// The net: model shared between clones, one session for each clone, made when first needed.
pub(crate) struct LivenessNet {
    shared: Arc<Shared>,
    session: Option<Session>,
}

struct Shared {
    spec: LivenessNetSpec,
    pixels: Pixels,
    plan: Plan,
}

impl LivenessNet {
    /// Reads the net, which is of no architecture that our own kernels know, and makes it ready for its one input size.
    pub(crate) fn load(spec: &LivenessNetSpec, path: &Path) -> Result<Self, NetworkError> {
        let size = InputSize { width: spec.input_side, height: spec.input_side };
        let plan = Network::read(NAME, path, Kernels::Stock)?.plan(size)?;
        let pixels = Pixels::new(spec.color, spec.mean, spec.std);
        Ok(Self { shared: Arc::new(Shared { spec: spec.clone(), pixels, plan }), session: None })
    }

    /// How likely a face lives, 0 to 1.
    pub(crate) fn live(&mut self, frame: &RgbView<'_>, face: &DetectedFace) -> Result<f32, InferenceError> {
        let spec = &self.shared.spec;
        let crop = Letterbox::fit(&face.bbox.square_around(spec.crop), spec.input_side, spec.input_side);
        let input = resample::draw(frame, &crop.as_similarity(), spec.input_side, spec.input_side);
        let tensor = self.shared.pixels.tensor(&input);
        let session = match &mut self.session {
            Some(session) => session,
            none => none.insert(Session::new(NAME, &self.shared.plan)?),
        };
        let outputs = session.run(tensor)?;
        let values = outputs.views().first().map_or(&[][..], |output| output.values).to_vec();
        let found = spec.output.probability(&values, spec.live_class);
        found.ok_or(InferenceError::Liveness { class: spec.live_class, found: values.len() })
    }
}

impl Clone for LivenessNet {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), session: None }
    }
}
