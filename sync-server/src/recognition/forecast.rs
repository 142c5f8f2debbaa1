//! From a target, or from figures chosen by hand, to what is to be expected. Pure, but for remembering answers.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ostiary_common::ids::PackId;
use ostiary_models::calibration::{Advice, Calibration, Capacity, Fullness, OperatingPoint, TargetFpir};
use ostiary_models::decide::Rule;

use super::words;
use crate::domain::recognition::{DEFAULT_FPIR, Share, Similarity};

/// Capacities remembered; finding one takes tens of milliseconds, and each enrollment asks for it.
const REMEMBERED: usize = 256;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Question {
    /// Share of strangers' visits that may be taken for someone; without one the pack's own rule holds.
    pub target_fpir: Option<Share>,
    /// Share of enrolled people's visits that may go unrecognised.
    pub target_fnir: Share,
    /// A threshold chosen by hand.
    pub threshold: Option<Similarity>,
    /// A margin chosen by hand.
    pub margin: Option<Similarity>,
    /// Persons the door knows.
    pub persons: u64,
}

/// What threshold and margin come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The target.
    Target,
    /// At least one of them was chosen by hand.
    Figures,
    /// The model pack's own, since nobody chose.
    Pack,
}

impl Basis {
    /// The basis's name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Figures => "figures",
            Self::Pack => "pack",
        }
    }
}

/// How many people the pack serves, at which errors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    /// For this share of strangers taken for someone.
    pub target_fpir: f32,
    /// For this share of enrolled people not recognised.
    pub target_fnir: f32,
    /// How many.
    pub capacity: Capacity,
    /// What is to be said of the gallery there is; `None` while there is room.
    pub advice: Option<Advice>,
}

/// What follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// What was asked.
    pub question: Question,
    /// What threshold and margin come from.
    pub basis: Basis,
    /// Threshold and margin.
    pub rule: Rule,
    /// The errors to expect; `None` of a pack without calibration.
    pub expected: Option<OperatingPoint>,
    /// How many people the pack serves; `None` of a pack without calibration.
    pub room: Option<Room>,
    /// All of it in plain words.
    pub explanation: String,
}

impl Forecast {
    /// How full the gallery is; `None` while there is room, or where nobody can tell.
    pub fn fullness(&self) -> Option<Fullness> {
        self.room.and_then(|room| room.advice).map(|advice| advice.fullness)
    }

    /// What is to be said of the gallery, if anything is.
    pub fn advice(&self) -> Option<String> {
        self.room.and_then(|room| room.advice).map(|advice| advice.to_string())
    }
}

/// Where another person begins to matter. A match needs the threshold, and the margin to the second person: whoever
/// comes closer than threshold less margin could take a visit that is just good enough, or undo it.
pub const fn lookalike_limit(rule: Rule) -> f32 {
    (rule.threshold - rule.margin).max(0.0)
}

/// One pack's answers.
pub struct Forecaster {
    pack: PackId,
    own: Rule,
    calibration: Option<Calibration>,
    capacities: Mutex<HashMap<(u64, u32), Capacity>>,
}

impl Forecaster {
    /// Of a pack with its own rule, and with its calibration if it has one.
    pub fn new(pack: PackId, own: Rule, calibration: Option<Calibration>) -> Self {
        Self { pack, own, calibration, capacities: Mutex::default() }
    }

    /// Whether anything can be derived at all.
    pub const fn is_calibrated(&self) -> bool {
        self.calibration.is_some()
    }

    /// The rule that follows from a target, or the pack's own.
    pub fn rule(&self, target: Option<Share>, persons: u64) -> Rule {
        match (&self.calibration, target) {
            (Some(calibration), Some(share)) => calibration.operating_point(rate(share), count(persons)).rule,
            _ => self.own,
        }
    }

    /// What follows.
    pub fn answer(&self, question: &Question) -> Forecast {
        let derived = self.rule(question.target_fpir, question.persons);
        let rule = Rule {
            threshold: question.threshold.map_or(derived.threshold, Similarity::get),
            margin: question.margin.map_or(derived.margin, Similarity::get),
        };
        let expected = self.calibration.as_ref().map(|known| known.expect_of(rule, count(question.persons)));
        let mut forecast = Forecast {
            question: *question,
            basis: self.basis(question),
            rule,
            expected,
            room: self.calibration.as_ref().map(|known| self.room(known, question)),
            explanation: String::new(),
        };
        forecast.explanation = words::explain(&self.pack, &forecast);
        forecast
    }

    fn basis(&self, question: &Question) -> Basis {
        match question.target_fpir {
            _ if question.threshold.is_some() || question.margin.is_some() => Basis::Figures,
            Some(_) if self.is_calibrated() => Basis::Target,
            _ => Basis::Pack,
        }
    }

    fn room(&self, calibration: &Calibration, question: &Question) -> Room {
        let (target, fnir) = (question.target_fpir.map_or(TargetFpir::DEFAULT, rate), question.target_fnir.get());
        let capacity = self.capacity(calibration, target, fnir);
        Room {
            target_fpir: question.target_fpir.map_or(DEFAULT_FPIR, Share::get),
            target_fnir: fnir,
            capacity,
            advice: Advice::of(capacity, target, fnir.into(), question.persons),
        }
    }

    fn capacity(&self, calibration: &Calibration, target: TargetFpir, fnir: f32) -> Capacity {
        let key = (target.get().to_bits(), fnir.to_bits());
        if let Some(known) = self.capacities.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return *known;
        }
        let capacity = calibration.capacity(target, fnir.into());
        let mut known = self.capacities.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key, capacity);
        capacity
    }
}

fn rate(share: Share) -> TargetFpir {
    TargetFpir::new(share.get().into()).expect("a share lies above 0 and below 1")
}

fn count(persons: u64) -> usize {
    usize::try_from(persons).unwrap_or(usize::MAX)
}
