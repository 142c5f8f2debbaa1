//! What a comparison says, as it is kept and told. It names nobody.

use ostiary_models::metrics::Estimate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Two packs on the same faces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PackComparison)]
pub struct Comparison {
    /// Made at.
    pub made_at: String,
    /// The pack in force.
    pub in_force: PackFigures,
    /// The pack that is to take its place.
    pub candidate: PackFigures,
    /// Pictures of enrolled faces of which the candidate could make no template.
    pub refused: u64,
    /// Persons who are known now and would not be with the candidate, since no picture of them is kept.
    pub missing: u64,
}

/// What one pack makes of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PackFigures {
    /// The pack.
    pub pack: String,
    /// Its own threshold, cosine; the rates below are at this one.
    pub threshold: f32,
    /// Its own margin, cosine.
    pub margin: f32,
    /// Values of an embedding.
    pub dimension: usize,
    /// What looking at one picture took on this server, milliseconds (median); not told if none was looked at.
    pub embed_ms: Option<f64>,
    /// Enrolled faces compared.
    pub faces: usize,
    /// Of so many persons.
    pub persons: usize,
    /// Pairs of one person.
    pub mated_pairs: usize,
    /// Pairs of two.
    pub non_mated_pairs: usize,
    /// The rate at which both errors of pairs are equal.
    pub equal_error_rate: Option<Figure>,
    /// Pairs of one person refused (FNMR) where so many pairs of two are taken for one (FMR): `[FMR, FNMR]`.
    #[schema(value_type = Vec<Object>)]
    pub fnmr_at_fmr: Vec<(f64, Option<Figure>)>,
    /// Enrolled faces searched among all others, once known and once as strangers.
    pub enrolled: JudgedRates,
    /// Visits people judged, searched the same way; absent if none has a picture left.
    pub judged: Option<JudgedRates>,
    /// The least threshold at which a stranger matches no more often than this: `[FPIR, threshold]`.
    #[schema(value_type = Vec<Object>)]
    pub threshold_for_fpir: Vec<(f64, Option<f64>)>,
}

/// Errors of searches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PackSearchRates)]
pub struct JudgedRates {
    /// Searches for somebody who is known.
    pub known: usize,
    /// Searches for a stranger.
    pub strangers: usize,
    /// Share of strangers taken for somebody, at the pack's threshold and margin.
    pub fpir: Option<Figure>,
    /// Share of known people not known, at the same.
    pub fnir: Option<Figure>,
    /// Known people taken for somebody else.
    pub wrong_person: usize,
    /// `[FPIR, FNIR]` at thresholds of these FPIR, without a margin.
    #[schema(value_type = Vec<Object>)]
    pub fnir_at_fpir: Vec<(f64, Option<Figure>)>,
    /// Both errors over all thresholds.
    pub det: Vec<Point>,
}

/// A share with its interval of 95 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PackFigure)]
pub struct Figure {
    /// What was measured.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl From<Estimate> for Figure {
    fn from(estimate: Estimate) -> Self {
        Self { value: estimate.value, low: estimate.low, high: estimate.high }
    }
}

/// Both errors at a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PackCurvePoint)]
pub struct Point {
    /// Cosine.
    pub threshold: f64,
    /// Share of strangers taken for somebody.
    pub fpir: f64,
    /// Share of known people not known.
    pub fnir: f64,
}
