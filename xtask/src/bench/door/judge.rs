//! Holds decisions against the truth: which visit each decision is about, and what went wrong.

use serde::{Deserialize, Serialize};

/// What is true of a scene, as the renderer writes it.
#[derive(Clone, Debug, Deserialize)]
pub struct Truth {
    /// Frames per second.
    pub fps: f64,
    /// One entry for each person of each visit.
    pub visits: Vec<TruthVisit>,
}

/// One person's visit.
#[derive(Clone, Debug, Deserialize)]
pub struct TruthVisit {
    pub person: String,
    pub mated: bool,
    pub kind: String,
    pub photo: String,
    pub begins_s: f64,
    pub ends_s: f64,
    pub usable_s: Option<f64>,
    pub widest_px: f64,
}

/// A decision, as `ostiaryd bench --json` gives it.
#[derive(Clone, Debug, Deserialize)]
pub struct Decision {
    pub outcome: String,
    pub person: Option<String>,
    pub nearest: Option<String>,
    pub began_s: f64,
    pub decided_s: f64,
    pub frames: u64,
    pub similarity: Option<f64>,
    pub reason: Option<String>,
}

/// What became of one person's visit.
#[derive(Clone, Debug)]
pub struct Verdict<'a> {
    pub truth: &'a TruthVisit,
    pub decisions: Vec<&'a Decision>,
}

/// The sums over visits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub mated_visits: usize,
    pub mated_correct_once: usize,
    pub mated_matched_wrongly: usize,
    pub non_mated_visits: usize,
    pub non_mated_matched: usize,
    pub spoof: usize,
    pub unusable: usize,
    pub missed: usize,
    pub decided_twice: usize,
    pub decisions_of_nobody: usize,
}

/// A decision may come so long after the visit, in seconds: a track ends some time after its face has gone.
const AFTER_S: f64 = 5.0;

/// Assigns every decision to the visit it is about: a match first to the person named, everything else to the
/// visit it lies in best that has the fewest decisions yet. Also gives the decisions that are about nobody.
pub fn judge<'a>(truth: &'a Truth, decisions: &'a [Decision]) -> (Vec<Verdict<'a>>, Vec<&'a Decision>) {
    let mut verdicts: Vec<Verdict> =
        truth.visits.iter().map(|truth| Verdict { truth, decisions: Vec::new() }).collect();
    let named = |visit: &TruthVisit, decision: &Decision| decision.person.as_deref() == Some(visit.person.as_str());
    let (first, rest): (Vec<_>, Vec<_>) = decisions
        .iter()
        .partition(|decision| truth.visits.iter().any(|visit| overlaps(visit, decision) && named(visit, decision)));
    let mut nobody = Vec::new();
    for (decision, by_name) in first.into_iter().map(|d| (d, true)).chain(rest.into_iter().map(|d| (d, false))) {
        let fits =
            |verdict: &&mut Verdict| overlaps(verdict.truth, decision) && (!by_name || named(verdict.truth, decision));
        match verdicts.iter_mut().filter(fits).min_by_key(|verdict| verdict.decisions.len()) {
            Some(verdict) => verdict.decisions.push(decision),
            None => nobody.push(decision),
        }
    }
    (verdicts, nobody)
}

fn overlaps(visit: &TruthVisit, decision: &Decision) -> bool {
    decision.began_s <= visit.ends_s + 0.5
        && decision.decided_s >= visit.begins_s - 0.5
        && decision.decided_s <= visit.ends_s + AFTER_S
}

impl Verdict<'_> {
    /// Decided once, and as the person it is.
    pub fn correct_once(&self) -> bool {
        matches!(&self.decisions[..], [only] if self.is_right(only))
    }

    /// The right person was matched at least once.
    pub fn matched(&self) -> bool {
        self.decisions.iter().any(|decision| self.is_right(decision))
    }

    fn is_right(&self, decision: &Decision) -> bool {
        decision.outcome == "match" && decision.person.as_ref() == Some(&self.truth.person)
    }

    /// Frames from the first usable face to the right match.
    pub fn frames_to_decision(&self, fps: f64) -> Option<f64> {
        let right = self.decisions.iter().find(|decision| self.is_right(decision))?;
        Some(((right.decided_s - self.truth.usable_s?) * fps).round())
    }

    /// In plain words, unless everything is as it should be.
    pub fn trouble(&self) -> Option<String> {
        let told = || self.decisions.iter().map(|decision| decision.describe()).collect::<Vec<_>>().join("; ");
        let wrong = self.decisions.iter().any(|decision| decision.outcome == "match" && !self.is_right(decision));
        let fine = match self.truth.mated {
            true => self.correct_once(),
            false => !wrong && self.decisions.len() == 1,
        };
        (!fine).then(|| if self.decisions.is_empty() { "no decision".to_owned() } else { told() })
    }
}

impl Decision {
    fn describe(&self) -> String {
        let who = self.person.as_ref().or(self.nearest.as_ref()).map_or(String::new(), |name| format!(" {name}"));
        let how = self.similarity.map_or(String::new(), |value| format!(" {value:.3}"));
        let why = self.reason.as_ref().map_or(String::new(), |reason| format!(" ({reason})"));
        format!("{}{who}{how}{why} at {:.1} s after {} frames", self.outcome, self.decided_s, self.frames)
    }
}

/// Adds everything up.
pub fn count(verdicts: &[Verdict], nobody: &[&Decision]) -> Counts {
    let mut counts = Counts { decisions_of_nobody: nobody.len(), ..Counts::default() };
    for verdict in verdicts {
        let matched_wrongly =
            usize::from(verdict.decisions.iter().any(|d| d.outcome == "match" && !verdict.is_right(d)));
        match verdict.truth.mated {
            true => {
                counts.mated_visits += 1;
                counts.mated_correct_once += usize::from(verdict.correct_once());
                counts.mated_matched_wrongly += matched_wrongly;
            }
            false => {
                counts.non_mated_visits += 1;
                counts.non_mated_matched += matched_wrongly;
            }
        }
        let of = |outcome: &str| verdict.decisions.iter().filter(|decision| decision.outcome == outcome).count();
        counts.spoof += of("spoof_suspected");
        counts.unusable += of("unusable");
        counts.missed += usize::from(verdict.decisions.is_empty());
        counts.decided_twice += usize::from(verdict.decisions.len() > 1);
    }
    counts
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.mated_visits += other.mated_visits;
        self.mated_correct_once += other.mated_correct_once;
        self.mated_matched_wrongly += other.mated_matched_wrongly;
        self.non_mated_visits += other.non_mated_visits;
        self.non_mated_matched += other.non_mated_matched;
        self.spoof += other.spoof;
        self.unusable += other.unusable;
        self.missed += other.missed;
        self.decided_twice += other.decided_twice;
        self.decisions_of_nobody += other.decisions_of_nobody;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(person: &str, mated: bool, begins_s: f64) -> TruthVisit {
        let (kind, photo) = ("alone".to_owned(), "a.jpg".to_owned());
        let (ends_s, usable_s) = (begins_s + 3.0, Some(begins_s + 1.0));
        TruthVisit { person: person.to_owned(), mated, kind, photo, begins_s, ends_s, usable_s, widest_px: 100.0 }
    }

    fn decision(outcome: &str, person: Option<&str>, began_s: f64) -> Decision {
        Decision {
            outcome: outcome.to_owned(),
            person: person.map(str::to_owned),
            nearest: None,
            began_s,
            decided_s: began_s + 1.2,
            frames: 3,
            similarity: None,
            reason: None,
        }
    }

    #[test]
    fn decisions_are_about_the_visit_they_lie_in() {
        let truth = Truth { fps: 15.0, visits: vec![visit("a", true, 10.0), visit("s", false, 10.0)] };
        let check = |decisions: &[Decision], expected: Counts| {
            let (verdicts, nobody) = judge(&truth, decisions);
            let always = Counts { mated_visits: 1, non_mated_visits: 1, ..expected };
            assert_eq!(count(&verdicts, &nobody), always, "{decisions:?}");
        };
        let (right, unknown) = (decision("match", Some("a"), 10.0), decision("unknown", None, 10.1));
        let none = Counts::default();
        check(&[unknown.clone(), right.clone()], Counts { mated_correct_once: 1, ..none });
        check(std::slice::from_ref(&right), Counts { mated_correct_once: 1, missed: 1, ..none });
        check(&[right.clone(), right.clone(), unknown], Counts { decided_twice: 1, ..none });
        let (late, wrong) = (decision("unusable", None, 40.0), decision("match", Some("b"), 10.5));
        check(
            &[right, wrong, late],
            Counts { mated_correct_once: 1, non_mated_matched: 1, decisions_of_nobody: 1, ..none },
        );
        check(&[], Counts { missed: 2, ..none });
    }

    #[test]
    fn frames_count_from_the_first_usable_face() {
        let truth = Truth { fps: 15.0, visits: vec![visit("a", true, 10.0)] };
        let decisions = [decision("match", Some("a"), 10.0)];
        let (verdicts, _) = judge(&truth, &decisions);
        assert_eq!(verdicts[0].frames_to_decision(truth.fps), Some(3.0));
        assert_eq!(verdicts[0].trouble(), None);
    }
}
