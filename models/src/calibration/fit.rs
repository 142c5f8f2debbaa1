//! From the scores of visits to a calibration table, with the fits of resampled people for its intervals.

use super::quantiles::{Quantiles, value_at};
use super::table::{CalibrationTable, MATED_LEVELS, NON_MATED_LEVELS};
use super::tail::Tail;
use super::{TargetFpir, model_of};
use crate::metrics::Random;

/// The share of strangers' scores that make the tail; more if these would be fewer than [`LEAST_EXCEEDANCES`].
const TAIL_SHARE: f64 = 0.05;
const LEAST_EXCEEDANCES: f64 = 60.0;
const LARGEST_TAIL: f64 = 0.2;
/// How often people are resampled.
const RESAMPLES: usize = 40;
const SEED: u64 = 0x0577_1A12;
/// The gallery a margin is chosen for.
const USUAL_GALLERY: f64 = 100.0;
/// Misses a margin may cost, as a share of visits. Strangers alone do not make one worth having: at one FPIR a
/// higher threshold does as well. It is there for who was never measured, people enrolled who resemble each other.
const MARGIN_COST: f64 = 0.002;
/// Margins tried go up in steps of this part of the tail's scale.
const MARGIN_STEPS: u32 = 16;

/// There are too few scores to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// Too few people.
    #[error("{found} people with a usable visit are too few to calibrate with: at least {needed} are needed")]
    TooFewPeople {
        /// People found.
        found: usize,
        /// People needed.
        needed: usize,
    },
    /// Nobody was seen a second time.
    #[error("{found} visits of people with another photo as template are too few: at least {needed} are needed")]
    TooFewMated {
        /// Visits found.
        found: usize,
        /// Visits needed.
        needed: usize,
    },
}

/// Scores of visits: the similarity of each visit to the best template of each person.
#[derive(Clone, Debug, Default)]
pub struct Visits {
    rows: Vec<Row>,
    taken: usize,
}

/// One visit against one person.
#[derive(Clone, Copy, Debug)]
struct Row {
    visit: usize,
    visitor: usize,
    person: usize,
    similarity: f64,
}

impl Visits {
    /// Takes in a visit by `visitor`: its similarities to persons, numbered alike. The visitor's own similarity
    /// must come from other pictures than the visit's.
    pub fn add(&mut self, visitor: usize, similarities: impl IntoIterator<Item = (usize, f32)>) {
        let visit = self.taken;
        let row = |(person, similarity)| Row { visit, visitor, person, similarity: f64::from(similarity) };
        self.rows.extend(similarities.into_iter().map(row));
        self.taken += 1;
    }

    /// Those by and against the people that `takes_part` names: for fitting on some and reporting on others.
    #[must_use]
    pub fn among(&self, takes_part: impl Fn(usize) -> bool) -> Self {
        let both = |row: &&Row| takes_part(row.visitor) && takes_part(row.person);
        Self { rows: self.rows.iter().filter(both).copied().collect(), taken: self.taken }
    }

    /// Each visit: who came, and the similarity to each person.
    pub fn by_visit(&self) -> impl Iterator<Item = (usize, Vec<(usize, f64)>)> {
        let visit = |rows: &[Row]| (rows[0].visitor, rows.iter().map(|row| (row.person, row.similarity)).collect());
        self.rows.chunk_by(|a, b| a.visit == b.visit).map(visit)
    }

    /// Everyone who visits, once.
    pub(super) fn people(&self) -> Vec<usize> {
        let mut people: Vec<usize> = self.rows.iter().map(|row| row.visitor).collect();
        people.sort_unstable();
        people.dedup();
        people
    }

    /// Mated and non-mated scores, sorted, each as often as both people were drawn.
    fn scores(&self, drawn: &dyn Fn(usize) -> u32) -> (Vec<f64>, Vec<f64>) {
        let (mut mated, mut others) = (Vec::new(), Vec::new());
        for row in &self.rows {
            let own = row.visitor == row.person;
            let times = if own { drawn(row.visitor) } else { drawn(row.visitor) * drawn(row.person) };
            let list = if own { &mut mated } else { &mut others };
            list.extend(std::iter::repeat_n(row.similarity, times as usize));
        }
        mated.sort_by(f64::total_cmp);
        others.sort_by(f64::total_cmp);
        (mated, others)
    }
}

/// Fits a table. `visits_taken` and `templates` are told in it; the fit is the same for the same scores.
///
/// # Errors
/// [`FitError`] if there are fewer than 6 people or 20 mated visits.
pub fn fit(
    visits: &Visits,
    measured_on: &str,
    visits_taken: u32,
    templates: u32,
) -> Result<CalibrationTable, FitError> {
    let people = visits.people();
    let (mated, others) = visits.scores(&|_| 1);
    if people.len() < 6 {
        return Err(FitError::TooFewPeople { found: people.len(), needed: 6 });
    }
    if mated.len() < 20 {
        return Err(FitError::TooFewMated { found: mated.len(), needed: 20 });
    }
    let share = (LEAST_EXCEEDANCES / others.len() as f64).clamp(TAIL_SHARE, LARGEST_TAIL);
    let from = rounded(value_at(&others, 1.0 - share));
    let [rate, scale, shape] = tail_of(&others, from).unwrap_or([share, 0.02, 0.0]);
    let mut table = CalibrationTable {
        measured_on: measured_on.to_owned(),
        people: people.len() as u32,
        visits: visits_taken,
        pairs: (people.len() * (people.len() - 1) / 2) as u32,
        templates,
        margin: 0.0,
        non_mated: five(&others).map(|value| value.min(from)),
        tail_from: from,
        tail_rate: rate,
        tail_scale: scale,
        tail_shape: shape,
        mated: eleven(&mated),
        resampled: resampled(visits, &people, from),
    };
    table.margin = affordable_margin(&table);
    Ok(table)
}

fn resampled(visits: &Visits, people: &[usize], from: f64) -> Vec<[f64; 14]> {
    let mut random = Random::new(SEED);
    let mut rows = Vec::new();
    // Some draws hold too few people for a tail; they are drawn again, but not for ever.
    for _ in 0..4 * RESAMPLES {
        let drawn = random.resample(people.len());
        let times = |person: usize| people.binary_search(&person).map_or(0, |place| drawn[place]);
        let (mated, others) = visits.scores(&times);
        if let (Some(tail), false) = (tail_of(&others, from), mated.is_empty()) {
            let mut row = [0.0; 14];
            row[..3].copy_from_slice(&tail);
            row[3..].copy_from_slice(&eleven(&mated));
            rows.push(row);
        }
        if rows.len() == RESAMPLES {
            break;
        }
    }
    rows
}

/// Rate, scale and shape of what exceeds `from`.
fn tail_of(others: &[f64], from: f64) -> Option<[f64; 3]> {
    let mut excesses: Vec<f64> = others.iter().map(|score| score - from).filter(|excess| *excess > 0.0).collect();
    let tail = Tail::fit(from, &mut excesses, others.len())?;
    Some([tail.rate.min(LARGEST_TAIL), tail.scale, tail.shape].map(rounded))
}

/// The largest margin that costs next to nothing at the usual target and gallery, up to twice the tail's scale.
fn affordable_margin(table: &CalibrationTable) -> f64 {
    let tail = Tail { from: table.tail_from, rate: table.tail_rate, scale: table.tail_scale, shape: table.tail_shape };
    let model = model_of(table, tail, &table.mated);
    let missed = |margin: f64| {
        let threshold = model.threshold(TargetFpir::DEFAULT.get(), margin, USUAL_GALLERY);
        model.fnir(threshold, margin, USUAL_GALLERY)
    };
    let without = missed(0.0);
    let margins =
        (1..=MARGIN_STEPS).map(|step| rounded(2.0 * table.tail_scale * f64::from(step) / f64::from(MARGIN_STEPS)));
    margins.take_while(|margin| missed(*margin) <= without + MARGIN_COST).last().unwrap_or(0.0)
}

fn five(sorted: &[f64]) -> [f64; 5] {
    let values = Quantiles::of_sorted(sorted, &NON_MATED_LEVELS);
    std::array::from_fn(|place| rounded(values[place]))
}

fn eleven(sorted: &[f64]) -> [f64; 11] {
    let values = Quantiles::of_sorted(sorted, &MATED_LEVELS);
    std::array::from_fn(|place| rounded(values[place]))
}

/// Five digits: what a file for people should show, and finer than any difference that matters.
fn rounded(value: f64) -> f64 {
    (value * 1e5).round() / 1e5
}
