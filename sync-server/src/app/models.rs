//! The model pack, as far as the server needs it.

use anyhow::{Context, Result};
use ostiary_common::ids::PackId;
use ostiary_models::calibration::Calibration;
use ostiary_models::decide::Rule;
use ostiary_models::engine::Kernels;
use ostiary_models::guided::GuideRules;
use ostiary_models::pack::Pack;
use ostiary_models::quality::QualityGate;

use crate::config::ModelsConfig;
use crate::enroll::reader::{MakeReader, from_pack};

/// The pack and what reads photos with it.
pub struct Models {
    /// Name and version.
    pub pack: PackId,
    /// Values of an embedding.
    pub dimension: usize,
    /// Threshold and margin of the pack itself.
    pub rule: Rule,
    /// What its scores mean, if that was measured.
    pub calibration: Option<Calibration>,
    /// What a guided capture goes by.
    pub guide: GuideRules,
    /// What a face must reach to be enrolled.
    pub gate: QualityGate,
    /// Makes photo readers.
    pub readers: MakeReader,
}

impl Models {
    /// From the pack's directory. The files are checked now, the models are loaded by the threads that use them.
    ///
    /// # Errors
    /// If there is no valid pack.
    pub fn load(config: &ModelsConfig) -> Result<Self> {
        let pack = Pack::load(&config.pack_dir).context("loading the model pack (models.pack_dir)")?;
        Ok(Self::of(pack, config.kernels.into()))
    }

    /// Of a pack that was loaded.
    #[must_use]
    pub fn of(pack: Pack, kernels: Kernels) -> Self {
        Self {
            pack: pack.id().clone(),
            dimension: pack.dimension(),
            rule: pack.thresholds().rule(),
            calibration: pack.calibration().cloned(),
            guide: GuideRules {
                liveness: Some(pack.liveness_rules()),
                ..GuideRules::new(pack.thresholds().enroll_gate(), pack.thresholds().rule())
            },
            gate: pack.thresholds().enroll_gate(),
            readers: from_pack(pack, kernels),
        }
    }
}
