//! Whether a fit keeps its promise on people it has not seen: fitted on one half of the people, tried on the other,
//! and the other way round.

use super::fit::{FitError, Visits, fit};
use super::{Calibration, OperatingPoint, TargetFpir};
use crate::decide::Rule;
use crate::metrics::{Estimate, Identification, Probe};

/// What was promised and what came, over both halves.
#[derive(Clone, Debug)]
pub struct HeldOut {
    /// People a half's door knows.
    pub persons: usize,
    /// What each half's fit promised for the other.
    pub promised: Vec<OperatingPoint>,
    /// The share of strangers' visits that matched.
    pub fpir: Option<Estimate>,
    /// The share of known people's visits that did not match them.
    pub fnir: Option<Estimate>,
    /// Visits of known people that matched somebody else.
    pub wrong_person: usize,
}

/// Tries `target` across halves; `margin` replaces the fitted one, to see what it is worth.
///
/// # Errors
/// [`FitError`] if a half is too small to be fitted.
pub fn held_out(visits: &Visits, target: TargetFpir, margin: Option<f64>) -> Result<HeldOut, FitError> {
    let mut tried = HeldOut { persons: 0, promised: Vec::new(), fpir: None, fnir: None, wrong_person: 0 };
    let mut probes = (Vec::new(), Vec::new());
    for half in 0..2 {
        let mut table = fit(&visits.among(|person| person % 2 == half), "", 0, 0)?;
        table.margin = margin.unwrap_or(table.margin);
        let others = visits.among(|person| person % 2 != half);
        tried.persons = others.people().len();
        let point = Calibration::new(&table).operating_point(target, tried.persons);
        tried.promised.push(point);
        collect(&others, point.rule, &mut probes);
    }
    // Every score was moved by its half's threshold, and whoever failed its half's margin is gone.
    let rule = Rule { threshold: 0.0, margin: 0.0 };
    let (known, strangers) = (Identification::new(probes.0).rates(rule), Identification::new(probes.1).rates(rule));
    Ok(HeldOut { fpir: strangers.fpir, fnir: known.fnir, wrong_person: known.wrong_person, ..tried })
}

/// Each visit twice: at a door that knows the visitor, and at one that knows everybody else.
fn collect(visits: &Visits, rule: Rule, (known, strangers): &mut (Vec<Probe>, Vec<Probe>)) {
    for (visitor, similarities) in visits.by_visit() {
        let moved = |(person, similarity): &(usize, f64)| (*person, *similarity as f32 - rule.threshold);
        let all: Vec<(usize, f32)> = similarities.iter().map(moved).collect();
        let others: Vec<(usize, f32)> = all.iter().copied().filter(|(person, _)| *person != visitor).collect();
        let probe = |mated, found| Probe { subject: visitor, mated, similarities: Some(clear(found, rule.margin)) };
        if all.len() > others.len() {
            known.push(probe(true, all));
        }
        strangers.push(probe(false, others));
    }
}

/// Nobody, if the second person is nearer to the first than the margin.
fn clear(mut found: Vec<(usize, f32)>, margin: f32) -> Vec<(usize, f32)> {
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    let near = found.len() > 1 && found[0].1 - found[1].1 < margin;
    if near { Vec::new() } else { found }
}
