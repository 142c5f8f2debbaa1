//! The model pack, loaded once and shared by the inference threads.

use ostiary_common::ids::PackId;
use ostiary_models::detect::InputSize;
use ostiary_models::engine::{EngineOptions, FaceEngine};
use ostiary_models::pack::Pack;

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
    let thresholds = pack.thresholds();
    let frame = InputSize { width: config.camera.width, height: config.camera.height };
    let options = EngineOptions {
        expected_frame: Some(frame),
        kernels: config.inference.kernels.into(),
        ..EngineOptions::default()
    };
    let engine = FaceEngine::load(&pack, &options)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = config.models.thread_count(cores);
    let defaults = PackDefaults {
        decision: thresholds.rule(),
        gate: thresholds.match_gate(),
        liveness: engine.liveness_rules(),
        calibration: pack.calibration().cloned(),
    };
    let kernels = engine.kernels().to_string();
    let finders = std::iter::repeat_n(engine, threads).map(EngineFinder).collect();
    Ok(Models { pack: pack.id().clone(), defaults, dimension: pack.dimension(), kernels, finders })
}
