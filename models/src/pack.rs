//! Model packs: a folder with a detector, an embedder, and the manifest that says how they are to be used.
//!
//! [`Pack::load`] is for programs and stops at the first fault; [`check_dir`] is for the person who made the
//! pack and names every fault with its remedy. The format is described in `docs/model-packs.md`.

pub mod archive;
mod check;
mod digest;
mod liveness;
mod manifest;
mod validate;

use std::path::{Path, PathBuf};

use ostiary_common::ids::PackId;

use crate::calibration::Calibration;
use crate::liveness::LivenessRules;

pub use check::{Finding, Severity, check_dir, golden_of};
pub use liveness::{LivenessNetSpec, LivenessOutput, LivenessSpec};
pub use manifest::{
    ColorOrder, DetectorSpec, EmbedderFamily, EmbedderSpec, Golden, MANIFEST_FILE, MANIFEST_FORMAT, ModelFile,
    PackManifest, Thresholds,
};

/// A pack cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A file is missing or cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The manifest is not TOML, or not of this form.
    #[error("{} is not a pack manifest: {source}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A value of the manifest cannot be.
    #[error("{}: {what}; {fix}", path.display())]
    Invalid {
        /// The manifest.
        path: PathBuf,
        /// The key, its value, and what is wrong.
        what: String,
        /// What is allowed.
        fix: String,
    },
    /// A model file is not the one the manifest was written for.
    #[error("{} has sha256 {found}, the manifest says {expected}: the file is damaged or was replaced", path.display())]
    WrongDigest {
        /// The file.
        path: PathBuf,
        /// What the manifest says.
        expected: String,
        /// What the file has.
        found: String,
    },
}

/// A pack whose manifest is valid and whose files are the ones it names.
#[derive(Clone, Debug)]
pub struct Pack {
    dir: PathBuf,
    manifest: PackManifest,
    calibration: Option<Calibration>,
}

impl Pack {
    /// Reads the manifest in `dir` and compares the SHA-256 of every model file; the models themselves are
    /// read by [`crate::engine::FaceEngine::load`].
    ///
    /// # Errors
    /// [`PackError`] names the file and what is wrong with it.
    pub fn load(dir: impl AsRef<Path>) -> Result<Self, PackError> {
        let dir = dir.as_ref().to_path_buf();
        let path = dir.join(MANIFEST_FILE);
        let text =
            std::fs::read_to_string(&path).map_err(|source| PackError::Unreadable { path: path.clone(), source })?;
        let manifest: PackManifest = toml::from_str(&text)
            .map_err(|source| PackError::Manifest { path: path.clone(), source: Box::new(source) })?;
        if let Some(fault) = validate::faults(&manifest).into_iter().next() {
            return Err(PackError::Invalid { path, what: fault.what, fix: fault.fix });
        }
        let calibration = manifest.calibration.as_ref().map(Calibration::new);
        let pack = Self { dir, manifest, calibration };
        digest::compare(&pack.detector_path(), &pack.manifest.detector.model.sha256)?;
        digest::compare(&pack.embedder_path(), &pack.manifest.embedder.model.sha256)?;
        if let Some((net, path)) = pack.liveness_net() {
            digest::compare(&path, &net.model.sha256)?;
        }
        Ok(pack)
    }

    /// Name and version; embeddings of different packs are never compared.
    #[must_use]
    pub const fn id(&self) -> &PackId {
        &self.manifest.id
    }

    /// Where decisions are drawn.
    #[must_use]
    pub const fn thresholds(&self) -> Thresholds {
        self.manifest.thresholds
    }

    /// What similarities mean, if the pack was calibrated.
    #[must_use]
    pub const fn calibration(&self) -> Option<&Calibration> {
        self.calibration.as_ref()
    }

    /// Where liveness is drawn.
    #[must_use]
    pub fn liveness_rules(&self) -> LivenessRules {
        self.manifest.liveness.rules()
    }

    /// How many values an embedding has.
    #[must_use]
    pub const fn dimension(&self) -> usize {
        self.manifest.embedder.dimension
    }

    /// The manifest.
    #[must_use]
    pub const fn manifest(&self) -> &PackManifest {
        &self.manifest
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn detector_path(&self) -> PathBuf {
        self.dir.join(&self.manifest.detector.model.file)
    }

    /// The liveness net and its file, if there is one.
    pub(crate) fn liveness_net(&self) -> Option<(&LivenessNetSpec, PathBuf)> {
        let net = self.manifest.liveness.net.as_ref()?;
        Some((net, self.dir.join(&net.model.file)))
    }

    pub(crate) fn embedder_path(&self) -> PathBuf {
        self.dir.join(&self.manifest.embedder.model.file)
    }
}
