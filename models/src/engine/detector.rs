//! The detector at all the input sizes asked of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::InferenceError;
use crate::detect::{DetectedFace, InputSize};
use crate::frame::{RgbImage, RgbView};
use crate::geometry::{Letterbox, Rect};
use crate::inference::{Kernels, Network, NetworkError, Pixels, Plan, Session};
use crate::pack::DetectorSpec;
use crate::resample;

/// The crop around a face that is looked at again, in sides of its box.
const CLOSE_CROP: f32 = 2.5;
const NAME: &str = "detector";

/// The detector: models shared between clones, one session a size for each clone.
pub(crate) struct DetectorNet {
    shared: Arc<Shared>,
    sessions: BTreeMap<InputSize, Session>,
}

struct Shared {
    spec: DetectorSpec,
    pixels: Pixels,
    network: Network,
    // Held only while a plan is looked up or made; sizes are few, and each is made once.
    plans: Mutex<BTreeMap<InputSize, Plan>>,
}

impl DetectorNet {
    /// Reads the net; sizes are prepared when they are first needed.
    pub(crate) fn load(spec: &DetectorSpec, path: &Path, kernels: Kernels) -> Result<Self, NetworkError> {
        let network = Network::read(NAME, path, kernels)?;
        let pixels = Pixels::new(spec.color, spec.mean, spec.std);
        let shared = Shared { spec: spec.clone(), pixels, network, plans: Mutex::default() };
        Ok(Self { shared: Arc::new(shared), sessions: BTreeMap::new() })
    }

    pub(crate) fn spec(&self) -> &DetectorSpec {
        &self.shared.spec
    }

    pub(crate) fn network(&self) -> &Network {
        &self.shared.network
    }

    /// The input of the close look.
    pub(crate) fn refine_size(&self) -> InputSize {
        let side = self.spec().refine_side;
        InputSize { width: side, height: side }
    }

    /// Makes the net ready for an input size, if it is not yet.
    pub(crate) fn prepare(&mut self, size: InputSize) -> Result<&mut Session, NetworkError> {
        use std::collections::btree_map::Entry;
        match self.sessions.entry(size) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => Ok(entry.insert(Session::new(NAME, &self.shared.plan(size)?)?)),
        }
    }

    /// The faces in `region` of a picture, seen through an input of `size`; in pixels of the picture, best
    /// first.
    pub(crate) fn find(
        &mut self,
        view: &RgbView<'_>,
        region: &Rect,
        size: InputSize,
        threshold: f32,
    ) -> Result<Vec<DetectedFace>, InferenceError> {
        let letterbox = Letterbox::fit(region, size.width, size.height);
        let input = resample::draw(view, &letterbox.as_similarity(), size.width, size.height);
        self.find_in(&input, &letterbox, size, threshold)
    }

    /// As [`DetectorNet::find`], in a whole picture that was halved before; what is found is in pixels of the whole.
    pub(crate) fn find_in_half(
        &mut self,
        half: &RgbView<'_>,
        size: InputSize,
        threshold: f32,
    ) -> Result<Vec<DetectedFace>, InferenceError> {
        let letterbox = of_half(half, size);
        let input = resample::draw_from_half(half, &letterbox.as_similarity(), size.width, size.height);
        self.find_in(&input, &letterbox, size, threshold)
    }

    fn find_in(
        &mut self,
        input: &RgbImage,
        letterbox: &Letterbox,
        size: InputSize,
        threshold: f32,
    ) -> Result<Vec<DetectedFace>, InferenceError> {
        let tensor = self.shared.pixels.tensor(input);
        let outputs = self.prepare(size)?.run(tensor)?;
        let spec = self.spec();
        let faces = spec.family.decode(&outputs.views(), size, threshold)?;
        let faces = spec.family.suppress(faces, spec.nms_iou);
        Ok(faces.iter().map(|face| face.to_picture(letterbox)).collect())
    }

    /// Looks at one face again in a square crop around it; of what is found there, the one nearest to the
    /// crop's centre. `None` if nothing is found.
    pub(crate) fn look_closer(
        &mut self,
        view: &RgbView<'_>,
        face: &DetectedFace,
    ) -> Result<Option<DetectedFace>, InferenceError> {
        let crop = face.bbox.square_around(CLOSE_CROP);
        if crop.width < 1.0 {
            return Ok(None);
        }
        let found = self.find(view, &crop, self.refine_size(), self.spec().refine_score_threshold)?;
        let distance = |face: &DetectedFace| face.bbox.centre().distance(crop.centre());
        let nearest = found.into_iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
        // The first look was sure of a face here; the close look is less sure only because it has fewer pixels
        // of context, so the better of the two scores stands.
        Ok(nearest.map(|near| DetectedFace { score: near.score.max(face.score), ..near }))
    }
}

/// How the picture that `half` is the half of lies in an input of `size`.
pub(crate) fn of_half(half: &RgbView<'_>, size: InputSize) -> Letterbox {
    let whole = Rect::new(0.0, 0.0, 2.0 * half.width() as f32, 2.0 * half.height() as f32);
    Letterbox::fit(&whole, size.width, size.height)
}

impl Shared {
    fn plan(&self, size: InputSize) -> Result<Plan, NetworkError> {
        // A poisoned lock only means that another thread failed while it made a plan; the map is whole.
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = plans.get(&size) {
            return Ok(Arc::clone(plan));
        }
        let plan = self.network.plan(size)?;
        plans.insert(size, Arc::clone(&plan));
        Ok(plan)
    }
}

impl Clone for DetectorNet {
    /// Sessions are made anew when they are first needed.
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), sessions: BTreeMap::new() }
    }
}
