//! Packs as they are shown.

use ostiary_models::pack::PackManifest;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::model_pack::ModelPack;
use crate::packs::compare::Comparison;
use crate::packs::keys::fingerprint;
use crate::ports::model_packs::PackCoverage;

/// A model pack.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModelPack)]
pub struct PackView {
    /// `name@version`.
    #[schema(example = "ostiary-default@1")]
    id: String,
    /// One line, of its maker.
    description: String,
    /// `installed`, `shadow` (its templates are being made), `comparing` (they are there, no door uses them), `staged`
    /// (some doors do), `active` (all do that are not told another), `retired` (was active before).
    #[schema(value_type = String)]
    state: &'static str,
    /// Whether it is the one of the configuration, which every device has of its own.
    own: bool,
    /// Values of an embedding.
    dimension: usize,
    /// Size of the archive; absent for the configuration's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    size_bytes: Option<u64>,
    /// SHA-256 of the archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// The name of the key that signed it, as `pack sign` prints it.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_by: Option<String>,
    /// The job that makes its templates, or made them last.
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<Uuid>,
    /// Installed at.
    installed_at: String,
    /// Changed at.
    changed_at: String,
}

impl From<&ModelPack> for PackView {
    fn from(pack: &ModelPack) -> Self {
        let manifest: Option<PackManifest> = toml::from_str(&pack.manifest).ok();
        let file = pack.archive.as_ref();
        Self {
            id: pack.id.to_string(),
            description: manifest.as_ref().map(|manifest| manifest.description.clone()).unwrap_or_default(),
            state: pack.state.as_str(),
            own: file.is_none(),
            dimension: manifest.map_or(0, |manifest| manifest.embedder.dimension),
            size_bytes: file.map(|file| file.size_bytes),
            sha256: file.map(|file| hex::encode(file.sha256)),
            signed_by: file.map(|file| fingerprint(&file.key_pem)),
            job: pack.job.map(|job| job.0),
            installed_at: pack.installed_at.to_rfc3339(),
            changed_at: pack.changed_at.to_rfc3339(),
        }
    }
}

/// How complete a pack's templates are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PackCoverage)]
pub struct CoverageView {
    /// Templates there are.
    templates: u64,
    /// Persons who have one at least.
    persons: u64,
    /// Kept pictures of which none was made yet.
    waiting: u64,
    /// Kept pictures of which none could be made, see `…/refusals`.
    refused: u64,
    /// Persons who are known by another pack and would not be by this one, see `…/missing`: they need new photos.
    missing: u64,
}

impl From<PackCoverage> for CoverageView {
    fn from(coverage: PackCoverage) -> Self {
        let PackCoverage { templates, persons, waiting, refused, missing } = coverage;
        Self { templates, persons, waiting, refused, missing }
    }
}

/// A model pack with how complete its templates are and how it compares.
#[derive(Debug, Serialize, ToSchema)]
pub struct PackDetail {
    /// The pack.
    #[serde(flatten)]
    pub pack: PackView,
    /// How complete its templates are.
    pub coverage: CoverageView,
    /// The last comparison with the pack in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// What should be known of the archive, though it can be used; told once, when it is installed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl PackDetail {
    /// Of a pack.
    pub fn new(pack: &ModelPack, coverage: PackCoverage, warnings: Vec<String>) -> Self {
        let comparison = pack.report.as_deref().and_then(|json| serde_json::from_str(json).ok());
        Self { pack: pack.into(), coverage: coverage.into(), comparison, warnings }
    }
}
