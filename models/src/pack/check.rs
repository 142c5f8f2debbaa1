//! Everything that can be wrong with a pack, said plainly, with the remedy.

use std::path::Path;

use super::liveness::LivenessNetSpec;
use super::manifest::{EmbedderSpec, Golden, MANIFEST_FILE, ModelFile, PackManifest};
use super::{PackError, digest, validate};
use crate::align::AlignedChip;
use crate::detect::{DetectedFace, InputSize, Landmarks};
use crate::embed::Embedding;
use crate::engine::{DetectorNet, EmbedderNet, InferenceError, Kernels, LivenessNet, NetworkError, NetworkStep};
use crate::frame::RgbImage;
use crate::geometry::{Point, Rect};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// As it should be; said so that the reader knows it was looked at.
    Ok,
    /// Works, but somebody should know.
    Warning,
    /// The pack cannot be used.
    Error,
}

/// Something found in a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub what: String,
    /// What to do about it; empty if nothing.
    pub fix: String,
}

/// Looks at a pack in `dir`: manifest, files, licences, and both nets run on a small picture. It always says
/// something; the pack is usable if no finding is an error.
#[must_use]
pub fn check_dir(dir: impl AsRef<Path>) -> Vec<Finding> {
    let dir = dir.as_ref();
    let mut report = Report::default();
    if let Some(manifest) = manifest(dir, &mut report) {
        let detector = model_file("detector", dir, &manifest.detector.model, &mut report);
        let embedder = model_file("embedder", dir, &manifest.embedder.model, &mut report);
        if detector {
            run_detector(dir, &manifest, &mut report);
        }
        if embedder {
            run_embedder(dir, &manifest.embedder, &mut report);
            if let Some(golden) = &manifest.golden {
                compare_golden(dir, &manifest.embedder, golden, &mut report);
            }
        }
        if let Some(net) = &manifest.liveness.net
            && model_file("liveness.net", dir, &net.model, &mut report)
        {
            run_liveness(dir, net, &mut report);
        }
    }
    report.0
}

#[derive(Default)]
struct Report(Vec<Finding>);

impl Report {
    fn ok(&mut self, what: impl Into<String>) {
        self.0.push(Finding { severity: Severity::Ok, what: what.into(), fix: String::new() });
    }

    fn warning(&mut self, what: impl Into<String>, fix: impl Into<String>) {
        self.0.push(Finding { severity: Severity::Warning, what: what.into(), fix: fix.into() });
    }

    fn error(&mut self, what: impl Into<String>, fix: impl Into<String>) {
        self.0.push(Finding { severity: Severity::Error, what: what.into(), fix: fix.into() });
    }
}

fn manifest(dir: &Path, report: &mut Report) -> Option<PackManifest> {
    let path = dir.join(MANIFEST_FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            let fix = format!("give the folder that holds {MANIFEST_FILE}; its form is in docs/model-packs.md");
            report.error(format!("cannot read {}: {error}", path.display()), fix);
            return None;
        }
    };
    let manifest: PackManifest = match toml::from_str(&text) {
        Ok(manifest) => manifest,
        Err(error) => {
            let fix = "mend the line named; every key is described in docs/model-packs.md";
            report.error(format!("{MANIFEST_FILE} is not a pack manifest: {}", error.to_string().trim_end()), fix);
            return None;
        }
    };
    let faults = validate::faults(&manifest);
    if faults.is_empty() {
        report.ok(format!("manifest of {}", manifest.id));
        return Some(manifest);
    }
    for fault in faults {
        report.error(fault.what, fault.fix);
    }
    None
}

/// Whether the file is the one the manifest names; a missing licence is only a warning.
fn model_file(section: &str, dir: &Path, model: &ModelFile, report: &mut Report) -> bool {
    let path = dir.join(&model.file);
    licence(section, dir, model, report);
    match digest::compare(&path, &model.sha256) {
        Ok(()) => {
            report.ok(format!("{section}: {} is the file the manifest names", model.file));
            true
        }
        Err(PackError::WrongDigest { found, .. }) => {
            let fix = format!("fetch the file again, or, if you made it, set {section}.model.sha256 = \"{found}\"");
            report.error(format!("{section}: {} does not have the sha256 the manifest names", model.file), fix);
            false
        }
        Err(error) => {
            report.error(
                format!("{section}: {error}"),
                format!("put the file into the pack's folder or mend {section}.model.file"),
            );
            false
        }
    }
}

fn licence(section: &str, dir: &Path, model: &ModelFile, report: &mut Report) {
    if model.licence.is_empty() {
        let fix = format!("set {section}.model.licence to the SPDX identifier of the weights' licence");
        report.warning(format!("{section}: the manifest does not say under which licence the weights are"), fix);
    }
    if model.licence_file.is_empty() {
        return;
    }
    if !dir.join(&model.licence_file).is_file() {
        let fix = "put the licence's text into the pack's folder: most licences ask for it".to_owned();
        report.warning(format!("{section}: {} is missing", model.licence_file), fix);
    }
}

/// Runs the net at two sizes: it must take more than one.
fn run_detector(dir: &Path, manifest: &PackManifest, report: &mut Report) {
    let spec = &manifest.detector;
    let mut net = match DetectorNet::load(spec, &dir.join(&spec.model.file), Kernels::Auto) {
        Ok(net) => net,
        Err(error) => return report.error(error.to_string(), network_fix(&error, FREE_SIDES)),
    };
    if net.network().arity().0 != 1 {
        let what = format!("detector: the graph has {} inputs", net.network().arity().0);
        return report.error(what, "export it with the picture as its only input");
    }
    let multiple = spec.side_multiple;
    for (width, height) in [(spec.refine_side, spec.refine_side), (8 * multiple, 6 * multiple)] {
        let picture = self_test_picture(width, height);
        let (view, size) = (picture.view(), InputSize { width, height });
        match net.find(&view, &view.bounds(), size, spec.score_threshold) {
            Ok(faces) if faces.is_empty() => report.ok(format!("detector runs at {width}x{height}")),
            Ok(faces) => report.warning(
                format!("detector sees {} faces at {width}x{height} in a picture without any", faces.len()),
                "check detector.color, mean, std and score_threshold against how the net was trained",
            ),
            Err(error) => return report.error(format!("detector at {width}x{height}: {error}"), detector_fix(&error)),
        }
    }
}

fn run_embedder(dir: &Path, spec: &EmbedderSpec, report: &mut Report) {
    let mut net = match EmbedderNet::load(spec, &dir.join(&spec.model.file), Kernels::Auto) {
        Ok(net) => net,
        Err(error) => return report.error(error.to_string(), network_fix(&error, RIGHT_SIDE)),
    };
    if net.outputs() != 1 {
        report.warning(format!("embedder: the graph has {} outputs; the first is used", net.outputs()), "");
    }
    let chip = |bright: bool| {
        let mut picture = self_test_picture(spec.input_side, spec.input_side);
        if bright {
            picture.as_raw_mut().iter_mut().for_each(|value| *value = 255 - *value);
        }
        AlignedChip::from_picture(picture).expect("the picture is square")
    };
    let embeddings = net.embed(&chip(false)).and_then(|first| Ok((first, net.embed(&chip(true))?)));
    match embeddings {
        Ok((first, second)) if first.similarity(&second) > 0.999_999 => report.error(
            "embedder: two different pictures have the same embedding",
            "check embedder.mean and std: the net may be fed values far out of its range",
        ),
        Ok(_) => report.ok(format!("embedder runs at {0}x{0} and gives {1} values", spec.input_side, spec.dimension)),
        Err(error) => report.error(format!("embedder: {error}"), embedder_fix(&error)),
    }
}

/// What the embedder of the pack in `dir` makes of the test picture on this machine.
///
/// # Errors
/// What is wrong, in words.
pub fn golden_of(dir: &Path, spec: &EmbedderSpec) -> Result<Embedding, String> {
    let net = EmbedderNet::load(spec, &dir.join(&spec.model.file), Kernels::Auto);
    let picture = self_test_picture(spec.input_side, spec.input_side);
    let chip = AlignedChip::from_picture(picture).expect("the picture is square");
    net.map_err(|error| error.to_string())?.embed(&chip).map_err(|error| error.to_string())
}

/// Whether this machine computes what the maker's did.
fn compare_golden(dir: &Path, spec: &EmbedderSpec, golden: &Golden, report: &mut Report) {
    const FIX: &str =
        "set models.kernels to \"stock\"; if that changes nothing, have the pack signed anew by its maker";
    let compared = golden_of(dir, spec).and_then(|made| {
        let kept = Embedding::from_raw(golden.embedding.clone()).map_err(|error| error.to_string())?;
        let same_size = kept.as_slice().len() == made.as_slice().len();
        same_size.then(|| kept.similarity(&made)).ok_or_else(|| "the golden embedding has another size".to_owned())
    });
    match compared {
        Ok(similarity) if similarity >= golden.least_similarity => {
            report.ok(format!("embedder computes here what it did where the pack was signed ({similarity:.5})"));
        }
        Ok(similarity) => report.error(
            format!("embedder computes something else here than where the pack was signed ({similarity:.5})"),
            FIX,
        ),
        Err(why) => report.error(format!("golden: {why}"), FIX),
    }
}

fn run_liveness(dir: &Path, spec: &LivenessNetSpec, report: &mut Report) {
    const SIDE: &str = "set liveness.net.input_side to the side the net takes, with an input of [1, 3, side, side]";
    let mut net = match LivenessNet::load(spec, &dir.join(&spec.model.file)) {
        Ok(net) => net,
        Err(error) => return report.error(error.to_string(), network_fix(&error, SIDE)),
    };
    let picture = self_test_picture(spec.input_side, spec.input_side);
    let (side, at) = (spec.input_side as f32, Point::new(spec.input_side as f32 / 2.0, spec.input_side as f32 / 2.0));
    let landmarks = Landmarks::with_mouth_centre(at, at, at, at);
    let face = DetectedFace { bbox: Rect::centred(at, side / spec.crop, side / spec.crop), score: 1.0, landmarks };
    match net.live(&picture.view(), &face) {
        Ok(_) => report.ok(format!("liveness net runs at {0}x{0}", spec.input_side)),
        Err(InferenceError::Network(error)) => report.error(error.to_string(), network_fix(&error, SIDE)),
        Err(error) => report.error(format!("{error}"), "set liveness.net.live_class to the class of living faces"),
    }
}

const NOT_LOADED: &str = "the net must be ONNX, in f32 or f16 with casts, with only operations that tract runs; \
    simplify it (for example with onnx-simplifier) and leave pre- and post-processing out of it";
const FREE_SIDES: &str =
    "the net must take [1, 3, height, width] at any multiples of side_multiple: make its input's sides free";
const RIGHT_SIDE: &str = "set embedder.input_side to the side the net takes, with an input of [1, 3, side, side]";

/// What to do about a net that fails: `shape_fix` if it can be run in principle.
fn network_fix(error: &NetworkError, shape_fix: &'static str) -> &'static str {
    // tract reads an operation it does not know, and names it so only when the net is prepared.
    let unknown_operation = error.reason.contains("Unimplemented");
    if error.step == NetworkStep::Read || unknown_operation { NOT_LOADED } else { shape_fix }
}

fn detector_fix(error: &InferenceError) -> &'static str {
    match error {
        InferenceError::Detector(_) => {
            "set detector.family to what the net is, or export it with the family's outputs in order"
        }
        InferenceError::Network(error) => network_fix(error, FREE_SIDES),
        _ => FREE_SIDES,
    }
}

fn embedder_fix(error: &InferenceError) -> &'static str {
    match error {
        InferenceError::Dimension { .. } => "set embedder.dimension to the number of values the net gives",
        InferenceError::Embedding(_) => "check embedder.mean and std; quantised nets are not supported",
        InferenceError::Network(error) => network_fix(error, RIGHT_SIDE),
        _ => RIGHT_SIDE,
    }
}

/// Soft colours that move from corner to corner: not a face, and not one value everywhere.
fn self_test_picture(width: u32, height: u32) -> RgbImage {
    let mut picture = RgbImage::black(width, height);
    let row = 3 * width as usize;
    for (index, value) in picture.as_raw_mut().iter_mut().enumerate() {
        let (x, y, c) = (index % row / 3, index / row, index % 3);
        *value = 60 + ((x * (c + 1) / 2 + y * (3 - c) / 2) % 120) as u8;
    }
    picture
}
