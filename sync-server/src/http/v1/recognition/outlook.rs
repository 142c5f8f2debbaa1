//! What follows from how strict recognition is to be, as the API shows it.

use ostiary_models::calibration::{Fullness, OperatingPoint};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::api::Api;
use crate::recognition::forecast::{Forecast, Room};

/// What follows: threshold and margin, the errors to expect, and how many people the model pack can tell apart.
#[derive(Serialize, ToSchema)]
pub struct Outlook {
    /// The model pack.
    pack: String,
    /// Whether the pack is calibrated; if not, nothing can be derived from a target.
    calibrated: bool,
    /// Persons it is reckoned for.
    persons: u64,
    /// What threshold and margin come from: `target`, `figures` (at least one set by hand) or `pack` (its own).
    #[schema(value_type = String)]
    basis: &'static str,
    /// Least similarity (cosine) for a match.
    threshold: f32,
    /// Least distance (cosine) to the second person.
    margin: f32,
    /// The errors to expect; absent of a pack without calibration.
    expected: Option<Expected>,
    /// How many people the pack can tell apart; absent of a pack without calibration.
    capacity: Option<CapacityView>,
    /// All of it in plain words.
    explanation: String,
}

/// The errors to expect, each a share of visits, 0 to 1.
#[derive(Serialize, ToSchema)]
struct Expected {
    /// Strangers taken for someone.
    fpir: f64,
    /// Lower end of its interval of 90 %.
    fpir_low: f64,
    /// Upper end of its interval of 90 %.
    fpir_high: f64,
    /// Enrolled people not recognised.
    fnir: f64,
    /// Whether this lies beyond what was measured for the pack.
    extrapolated: bool,
}

/// How many people a pack can tell apart.
#[derive(Serialize, ToSchema)]
pub struct CapacityView {
    /// If so many strangers may be taken for someone (a share of visits; 0.01 if nobody chose a target).
    target_fpir: f32,
    /// If so many enrolled people may go unrecognised (a share of visits).
    target_fnir: f32,
    /// The best guess; 0 if not even one.
    persons: u64,
    /// Lower end of its interval of 90 %.
    low: u64,
    /// Upper end of its interval of 90 %.
    high: u64,
    /// How full the gallery is: `room`, `nearly_full` or `outgrown`.
    #[schema(value_type = String)]
    fullness: &'static str,
    /// The capacity in words.
    summary: String,
    /// What to do, if the gallery is nearly full or has outgrown the pack.
    advice: Option<String>,
}

impl Outlook {
    /// Of a forecast for the server's pack.
    pub fn new(api: &Api, forecast: Forecast) -> Self {
        Self {
            pack: api.recognition.pack().to_string(),
            calibrated: forecast.expected.is_some(),
            persons: forecast.question.persons,
            basis: forecast.basis.as_str(),
            threshold: forecast.rule.threshold,
            margin: forecast.rule.margin,
            expected: forecast.expected.map(Expected::from),
            capacity: forecast.room.map(CapacityView::from),
            explanation: forecast.explanation,
        }
    }
}

impl From<OperatingPoint> for Expected {
    fn from(point: OperatingPoint) -> Self {
        let OperatingPoint { fpir, fpir_low, fpir_high, fnir, extrapolated, .. } = point;
        Self { fpir, fpir_low, fpir_high, fnir, extrapolated }
    }
}

impl From<Room> for CapacityView {
    fn from(room: Room) -> Self {
        let Room { target_fpir, target_fnir, capacity, advice } = room;
        Self {
            target_fpir,
            target_fnir,
            persons: capacity.persons,
            low: capacity.low,
            high: capacity.high,
            fullness: fullness_name(advice.map(|advice| advice.fullness)),
            summary: capacity.to_string(),
            advice: advice.map(|advice| advice.to_string()),
        }
    }
}

const fn fullness_name(fullness: Option<Fullness>) -> &'static str {
    match fullness {
        None => "room",
        Some(Fullness::NearlyFull) => "nearly_full",
        Some(Fullness::Outgrown) => "outgrown",
    }
}
