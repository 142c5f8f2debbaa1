//! The model pack, loaded once and shared by the inference threads.

use std::time::Duration;

use ostiary_common::ids::PackId;
use ostiary_models::decide::Rule;
use ostiary_models::detect::InputSize;
use ostiary_models::engine::{EngineOptions, FaceEngine};
use ostiary_models::liveness::LivenessRules;
use ostiary_models::pack::Pack;
use ostiary_models::quality::QualityGate;

use crate::config::Config;
use crate::pipeline::EngineFinder;
use crate::shared::PackDefaults;

/// What the rest needs of the pack.
pub struct Models {
    /// Which pack.
    pub pack: PackId,
    /// What it asks for.
    pub defaults: PackDefaults,
    /// Values in an embedding.
    pub dimension: usize,
    /// What the nets are computed with, in words.
    pub kernels: String,
    /// One engine for each inference thread.
    pub finders: Vec<EngineFinder>,
}

/// Loads the pack of the configuration.
///
/// # Errors
/// If the pack is missing, damaged, or cannot be run.
pub fn load(config: &Config) -> anyhow::Result<Models> {
    let pack = Pack::load(&config.models.pack_dir)?;
    let frame = InputSize { width: config.camera.width, height: config.camera.height };
    let options = EngineOptions {
        expected_frame: Some(frame),
        kernels: config.inference.kernels.into(),
        ..EngineOptions::default()
    };
    let engine = FaceEngine::load(&pack, &options)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = config.models.thread_count(cores);
    let kernels = engine.kernels().to_string();
    let finders = std::iter::repeat_n(engine, threads).map(EngineFinder).collect();
    Ok(Models { kernels, finders, ..described(&pack) })
}

/// What the pack of the configuration says, with nobody to look at a face.
///
/// # Errors
/// If the pack is missing or damaged.
pub fn without_nets(config: &Config) -> anyhow::Result<Models> {
    Ok(described(&Pack::load(&config.models.pack_dir)?))
}

/// No pack that can be read: nobody is ever matched, what is held stays for the pack it is for.
#[must_use]
pub fn stand_in(pack: PackId, dimension: usize) -> Models {
    let never = 2.0;
    let nobody = QualityGate {
        min_face_px: f32::MAX,
        min_sharpness: 1.0,
        min_exposure: 1.0,
        min_pose: 1.0,
        min_overall: 1.0,
        min_unoccluded: 1.0,
    };
    let defaults = PackDefaults {
        decision: Rule { threshold: never, margin: never },
        gate: nobody,
        enroll_gate: nobody,
        liveness: LivenessRules { threshold: 1.0, min_looks: u32::MAX, min_span: Duration::MAX },
        calibration: None,
    };
    Models { pack, defaults, dimension, kernels: "none".to_owned(), finders: Vec::new() }
}

fn described(pack: &Pack) -> Models {
    let thresholds = pack.thresholds();
    let defaults = PackDefaults {
        decision: thresholds.rule(),
        gate: thresholds.match_gate(),
        enroll_gate: thresholds.enroll_gate(),
        liveness: pack.liveness_rules(),
        calibration: pack.calibration().cloned(),
    };
    let (pack, dimension) = (pack.id().clone(), pack.dimension());
    Models { pack, defaults, dimension, kernels: "none".to_owned(), finders: Vec::new() }
}
