//! The model pack, as far as the server needs it.

use std::path::Path;

use anyhow::{Context, Result};
use ostiary_common::ids::PackId;
use ostiary_models::pack::Pack;

use crate::enroll::reader::{MakeReader, from_pack};

/// The pack and what reads photos with it.
pub struct Models {
    /// Name and version.
    pub pack: PackId,
    /// Values of an embedding.
    pub dimension: usize,
    /// Similarity from which two faces may be the same person.
    pub match_threshold: f32,
    /// Makes photo readers.
    pub readers: MakeReader,
}

impl Models {
    /// From a pack's directory. The files are checked now, the models are loaded by the threads that use them.
    ///
    /// # Errors
    /// If there is no valid pack.
    pub fn load(pack_dir: &Path) -> Result<Self> {
        let pack = Pack::load(pack_dir).context("loading the model pack (models.pack_dir)")?;
        Ok(Self {
            pack: pack.id().clone(),
            dimension: pack.dimension(),
            match_threshold: pack.thresholds().match_threshold,
            readers: from_pack(pack),
        })
    }
}
