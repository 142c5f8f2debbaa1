//! Rows of how strict recognition is.

use ostiary_common::wire::LivenessPolicy;

use super::columns;
use super::error::corrupt;
use super::values::Real;
use crate::domain::recognition::{InstallationRules, Layer, Share, Similarity, Versioned, parse_liveness};
use crate::ports::StoreError;

#[derive(sqlx::FromRow)]
pub(super) struct InstallationRow {
    target_fpir: Option<f64>,
    target_fnir: f64,
    liveness: Option<String>,
    lookalike: Option<f64>,
    version: i64,
    changed_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
pub(super) struct DoorRow {
    target_fpir: Option<f64>,
    match_threshold: Option<f64>,
    match_margin: Option<f64>,
    liveness: Option<String>,
    version: Option<i64>,
    changed_at: Option<i64>,
}

impl TryFrom<InstallationRow> for Versioned<InstallationRules> {
    type Error = StoreError;
    fn try_from(row: InstallationRow) -> Result<Self, StoreError> {
        let value = InstallationRules {
            target_fpir: row.target_fpir.map(share).transpose()?,
            target_fnir: share(row.target_fnir)?,
            liveness: liveness(row.liveness.as_deref())?,
            lookalike: row.lookalike.map(similarity).transpose()?,
        };
        let version = columns::unsigned("settings version", row.version)?;
        Ok(Self { value, version, changed_at: columns::time(row.changed_at) })
    }
}

impl TryFrom<DoorRow> for Versioned<Layer> {
    type Error = StoreError;
    fn try_from(row: DoorRow) -> Result<Self, StoreError> {
        let value = Layer {
            target_fpir: row.target_fpir.map(share).transpose()?,
            match_threshold: row.match_threshold.map(similarity).transpose()?,
            match_margin: row.match_margin.map(similarity).transpose()?,
            liveness: liveness(row.liveness.as_deref())?,
        };
        let version = columns::unsigned("settings version", row.version.unwrap_or_default())?;
        Ok(Self { value, version, changed_at: columns::time(row.changed_at) })
    }
}

/// Reads a share; columns hold the 32-bit number devices are told, widened.
#[expect(clippy::cast_possible_truncation, reason = "what was widened is narrowed to what it was")]
pub(super) fn share(column: f64) -> Result<Share, StoreError> {
    Share::parse(column as f32).map_err(|e| corrupt("share", e))
}

/// Reads a similarity.
#[expect(clippy::cast_possible_truncation, reason = "what was widened is narrowed to what it was")]
pub(super) fn similarity(column: f64) -> Result<Similarity, StoreError> {
    Similarity::parse(column as f32).map_err(|e| corrupt("similarity", e))
}

/// Reads a liveness policy.
pub(super) fn liveness(column: Option<&str>) -> Result<Option<LivenessPolicy>, StoreError> {
    column.map(|name| parse_liveness(name).ok_or_else(|| corrupt("liveness policy", name))).transpose()
}

/// Writes a share.
pub(super) fn share_to_column(share: Option<Share>) -> Option<Real> {
    share.map(|share| Real(f64::from(share.get())))
}

/// Writes a similarity.
pub(super) fn similarity_to_column(similarity: Option<Similarity>) -> Option<Real> {
    similarity.map(|similarity| Real(f64::from(similarity.get())))
}
