//! Figures as the API shows them.

use ostiary_models::metrics::Estimate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::judgement::{Advice, Counts, LEAST_STRANGERS, Rates};

/// A share with its interval of 95 %.
#[derive(Serialize, ToSchema)]
pub struct Share {
    /// The best guess, 0 to 1.
    value: f64,
    /// Lower end.
    low: f64,
    /// Upper end.
    high: f64,
}

/// Both errors; absent where nothing that counts was judged.
#[derive(Serialize, ToSchema)]
pub struct RatesView {
    /// Strangers' visits that name somebody.
    fpir: Option<Share>,
    /// Enrolled people's visits that do not name them.
    fnir: Option<Share>,
}

/// How often what was said.
#[derive(Serialize, ToSchema)]
pub struct CountsView {
    /// Everything judged.
    judged: u64,
    /// Matches of the right person.
    right_matches: u64,
    /// Matches of strangers: false positives.
    false_matches: u64,
    /// Matches of somebody enrolled under another's name.
    misidentified: u64,
    /// Unknowns who were strangers.
    right_unknowns: u64,
    /// Unknowns who should have been known: false negatives.
    missed: u64,
    /// No face at all.
    not_a_face: u64,
    /// Attacks not suspected.
    attacks_passed: u64,
    /// Attacks suspected.
    attacks_caught: u64,
    /// Live faces suspected.
    live_suspected: u64,
    /// Unusable visits of people who should have been known.
    unusable_missed: u64,
}

/// What judged scores say of the threshold.
#[derive(Serialize, ToSchema)]
pub struct AdviceView {
    /// The lowest threshold that keeps the target among the judged; absent if nothing can be advised.
    threshold: Option<f32>,
    /// Share of strangers' visits that may name somebody.
    target_fpir: f64,
    /// What came of it among the judged.
    fpir: Option<Share>,
    /// What it costs.
    fnir: Option<Share>,
    /// In words.
    summary: String,
}

impl From<Estimate> for Share {
    fn from(Estimate { value, low, high }: Estimate) -> Self {
        Self { value, low, high }
    }
}

impl From<Rates> for RatesView {
    fn from(Rates { fpir, fnir }: Rates) -> Self {
        Self { fpir: fpir.map(Share::from), fnir: fnir.map(Share::from) }
    }
}

impl From<Counts> for CountsView {
    fn from(counts: Counts) -> Self {
        Self {
            judged: counts.judged(),
            right_matches: counts.right_matches,
            false_matches: counts.false_matches,
            misidentified: counts.misidentified,
            right_unknowns: counts.right_unknowns,
            missed: counts.missed,
            not_a_face: counts.not_a_face,
            attacks_passed: counts.attacks_passed,
            attacks_caught: counts.attacks_caught,
            live_suspected: counts.live_suspected,
            unusable_missed: counts.unusable_missed,
        }
    }
}

impl AdviceView {
    /// Of what is advised for a target, beside the threshold in force.
    pub(super) fn new(advice: Advice, target_fpir: f64, in_force: f32) -> Self {
        let percent = target_fpir * 100.0;
        let none = |summary| Self { threshold: None, target_fpir, fpir: None, fnir: None, summary };
        match advice {
            Advice::TooFew { strangers } => none(format!(
                "{strangers} visits of strangers were judged; from {LEAST_STRANGERS} on a threshold can be advised. \
                 Judge the events that are drawn for it."
            )),
            Advice::NoneKeeps { .. } => none(format!(
                "No threshold keeps strangers named below {percent} % among the judged visits: look whether people are \
                 enrolled by bad photos or twice, or take a stronger model pack."
            )),
            Advice::From { threshold, fpir, fnir } => Self {
                threshold: Some(threshold),
                target_fpir,
                summary: format!(
                    "From {threshold:.3} on strangers were named in at most {percent} % of the judged visits; in force \
                     is {in_force:.3}."
                ),
                fpir: Some(fpir.into()),
                fnir: fnir.map(Share::from),
            },
        }
    }
}
