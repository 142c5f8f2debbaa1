//! What can be wrong with a manifest's values, before any model is looked at.

use crate::calibration::CalibrationTable;

use super::liveness::{LivenessNetSpec, LivenessSpec};
use super::manifest::{DetectorSpec, EmbedderSpec, MANIFEST_FORMAT, ModelFile, PackManifest, Thresholds};

/// One wrong value.
pub(super) struct Fault {
    /// The key, its value, and what is wrong.
    pub(super) what: String,
    /// What is allowed.
    pub(super) fix: String,
}

/// Every wrong value of a manifest.
pub(super) fn faults(manifest: &PackManifest) -> Vec<Fault> {
    let mut faults = Faults::default();
    faults.check(manifest.format == MANIFEST_FORMAT, "format", manifest.format, &format!("{MANIFEST_FORMAT}"));
    file("detector", &manifest.detector.model, &mut faults);
    file("embedder", &manifest.embedder.model, &mut faults);
    detector(&manifest.detector, &mut faults);
    embedder(&manifest.embedder, &mut faults);
    thresholds(&manifest.thresholds, &mut faults);
    liveness(&manifest.liveness, &mut faults);
    for (key, value, allowed) in manifest.calibration.iter().flat_map(CalibrationTable::faults) {
        faults.0.push(Fault { what: format!("`{key}` is {value}"), fix: format!("it must be {allowed}") });
    }
    faults.0
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn check(&mut self, fits: bool, key: &str, value: impl std::fmt::Debug, allowed: &str) {
        if !fits {
            self.0.push(Fault { what: format!("`{key}` is {value:?}"), fix: format!("it must be {allowed}") });
        }
    }

    fn share(&mut self, key: &str, value: f32) {
        self.check((0.0..=1.0).contains(&value), key, value, "between 0 and 1");
    }
}

fn file(section: &str, model: &ModelFile, faults: &mut Faults) {
    let plain = |name: &str| !name.is_empty() && !name.contains(['/', '\\']) && name != "." && name != "..";
    faults.check(
        plain(&model.file),
        &format!("{section}.model.file"),
        &model.file,
        "the name of a file in the pack's folder",
    );
    let digest = model.sha256.len() == 64 && model.sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
    let how = format!("64 hexadecimal digits, as `sha256sum {}` prints", model.file);
    faults.check(digest, &format!("{section}.model.sha256"), &model.sha256, &how);
    let text = &model.licence_file;
    faults.check(
        text.is_empty() || plain(text),
        &format!("{section}.model.licence_file"),
        text,
        "a file in the pack's folder",
    );
}

fn pixels(section: &str, mean: [f32; 3], std: [f32; 3], faults: &mut Faults) {
    let finite = mean.iter().all(|value| value.is_finite());
    faults.check(finite, &format!("{section}.mean"), mean, "three finite numbers");
    let divides = std.iter().all(|value| value.is_finite() && *value > 0.0);
    faults.check(divides, &format!("{section}.std"), std, "three numbers above 0");
}

fn detector(spec: &DetectorSpec, faults: &mut Faults) {
    pixels("detector", spec.mean, spec.std, faults);
    for (key, value) in [
        ("detector.score_threshold", spec.score_threshold),
        ("detector.refine_score_threshold", spec.refine_score_threshold),
        ("detector.nms_iou", spec.nms_iou),
    ] {
        faults.check(value > 0.0 && value < 1.0, key, value, "above 0 and below 1");
    }
    let multiple = spec.side_multiple;
    faults.check(
        (1..=128).contains(&multiple) && multiple.is_multiple_of(32),
        "detector.side_multiple",
        multiple,
        "32, 64, 96 or 128",
    );
    let refine = spec.refine_side;
    let fits = (64..=512).contains(&refine) && refine.checked_rem(multiple) == Some(0);
    faults.check(fits, "detector.refine_side", refine, "a multiple of `side_multiple` between 64 and 512");
    let (low, high) = (spec.smallest_face_px, spec.largest_face_px);
    faults.check(
        low >= 4.0 && low < high && high <= 4096.0,
        "detector.smallest_face_px",
        low,
        "at least 4 and below `largest_face_px`",
    );
}

fn embedder(spec: &EmbedderSpec, faults: &mut Faults) {
    pixels("embedder", spec.mean, spec.std, faults);
    faults.check((16..=4096).contains(&spec.dimension), "embedder.dimension", spec.dimension, "between 16 and 4096");
    faults.check((32..=512).contains(&spec.input_side), "embedder.input_side", spec.input_side, "between 32 and 512");
    let side = spec.input_side as f32;
    let inside = |points: &[[f32; 2]]| points.iter().flatten().all(|value| (0.0..=side).contains(value));
    let four = spec.template_four.is_none_or(|points| inside(&points));
    faults.check(four, "embedder.template_four", spec.template_four, "four points inside of the chip");
    let five = spec.template_five.is_none_or(|points| inside(&points));
    faults.check(five, "embedder.template_five", spec.template_five, "five points inside of the chip");
}

fn liveness(spec: &LivenessSpec, faults: &mut Faults) {
    let rules = spec.rules();
    faults.share("liveness.threshold", rules.threshold);
    faults.check((1..=100).contains(&rules.min_looks), "liveness.min_looks", rules.min_looks, "between 1 and 100");
    let span = rules.min_span.as_millis();
    faults.check(span <= 60_000, "liveness.min_span_ms", span, "at most 60000");
    if let Some(net) = &spec.net {
        liveness_net(net, faults);
    }
}

fn liveness_net(spec: &LivenessNetSpec, faults: &mut Faults) {
    file("liveness.net", &spec.model, faults);
    pixels("liveness.net", spec.mean, spec.std, faults);
    faults.check(
        (16..=512).contains(&spec.input_side),
        "liveness.net.input_side",
        spec.input_side,
        "between 16 and 512",
    );
    faults.check((0.5..=6.0).contains(&spec.crop), "liveness.net.crop", spec.crop, "between 0.5 and 6");
}

fn thresholds(values: &Thresholds, faults: &mut Faults) {
    faults.share("thresholds.match", values.match_threshold);
    faults.share("thresholds.strict", values.strict);
    faults.share("thresholds.lenient", values.lenient);
    faults.share("thresholds.margin", values.margin);
    faults.share("thresholds.min_quality", values.min_quality);
    faults.share("thresholds.enroll_min_quality", values.enroll_min_quality);
    let ordered = values.lenient <= values.match_threshold && values.match_threshold <= values.strict;
    let found = [values.lenient, values.match_threshold, values.strict];
    faults.check(ordered, "thresholds lenient, match, strict", found, "in rising order");
    let (least, enroll) = (values.min_face_px, values.enroll_min_face_px);
    faults.check((20.0..=1000.0).contains(&least), "thresholds.min_face_px", least, "between 20 and 1000");
    let fits = (least..=1000.0).contains(&enroll);
    faults.check(
        fits,
        "thresholds.enroll_min_face_px",
        enroll,
        "at least `min_face_px` (small faces match strangers) and at most 1000",
    );
}
