//! How much the looks at a face prove. Every limit is a share of the way from the threshold up to 1 or as far
//! below it, so that it fits packs whose similarities lie elsewhere.

use std::collections::BTreeSet;
use std::time::Duration;

use ostiary_common::ids::PersonId;
use ostiary_models::decide::{Decision, Rule, decide};
use ostiary_models::search::Candidate;
use ostiary_models::shots::Shot;

use super::VisitRules;

/// A single look is enough for a match this far up; with more looks, less and less is asked for.
const OVERWHELMING: f32 = 0.5;
/// A look by itself may lie a little below the threshold: the looks together must reach it.
const LENIENT: f32 = -0.2;
/// Who is below this is unknown after one look more than a match needs, taken over [`SPREAD`].
const CLEARLY_BELOW: f32 = -0.4;
/// Who is below this is unknown after as many looks as a match needs.
const FAR_BELOW: f32 = -1.0;
/// Looks within less time say too much the same to rule somebody out.
const SPREAD: Duration = Duration::from_millis(400);
/// After this time of usable looks the answer is what they say, near the threshold or not.
const PATIENCE: Duration = Duration::from_secs(4);

/// A match waits so long, counted from the first usable look, for enough to judge liveness by where the door
/// blocks attacks.
pub const LIVENESS_WAIT: Duration = Duration::from_secs(2);

/// A level `share` of the way from the threshold to 1; negative shares lie below the threshold.
fn level(rule: Rule, share: f32) -> f32 {
    rule.threshold + share * (1.0 - rule.threshold)
}

/// Looks at one face resemble each other at least this much, where there is reason to doubt.
pub fn same_face(rule: Rule) -> f32 {
    level(rule, -0.7)
}

/// Looks less alike are of two faces, even without any reason to doubt.
pub fn other_face(rule: Rule) -> f32 {
    level(rule, -1.2)
}

/// What the looks prove so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Proof {
    /// This person, beyond doubt.
    Match {
        /// The person.
        best: Candidate,
        /// The second person.
        second: Option<Candidate>,
    },
    /// Nobody of the gallery, as surely as can be said.
    Unknown {
        /// The nearest all the same.
        nearest: Option<Candidate>,
    },
    /// More looks are needed.
    Open {
        /// The nearest so far.
        nearest: Option<Candidate>,
    },
}

/// Weighs the looks kept. `fused` are the persons nearest to all looks together; `taken` are persons that
/// cannot be this one, for they stand beside it; `usable_for` is the time since the first look fit for use.
pub fn weigh(
    shots: &[Shot],
    fused: &[Candidate],
    taken: &BTreeSet<PersonId>,
    usable_for: Duration,
    rules: &VisitRules,
) -> Proof {
    let rule = rules.decision;
    let free: Vec<Candidate> = fused.iter().filter(|found| !taken.contains(&found.person)).copied().collect();
    let nearest = free.first().copied();
    match decide(&free, rule) {
        Decision::Match { best, second } if is_proven(shots, &best, second.as_ref(), taken, rules) => {
            Proof::Match { best, second }
        }
        Decision::Match { .. } => Proof::Open { nearest },
        Decision::Unknown { .. } if is_ruled_out(shots, nearest, taken, usable_for, rules) => {
            Proof::Unknown { nearest }
        }
        Decision::Unknown { .. } => Proof::Open { nearest },
    }
}

/// Enough looks by themselves name the same person; fewer, if all do and they leave no doubt.
fn is_proven(
    shots: &[Shot],
    best: &Candidate,
    second: Option<&Candidate>,
    taken: &BTreeSet<PersonId>,
    rules: &VisitRules,
) -> bool {
    let least = level(rules.decision, LENIENT);
    let agrees =
        |shot: &&Shot| own_nearest(shot, taken).is_some_and(|own| own.person == best.person && own.similarity >= least);
    let agreeing = shots.iter().filter(agrees).count();
    if agreeing >= rules.min_agreeing {
        return 2 * agreeing > shots.len();
    }
    let missing = (rules.min_agreeing - agreeing) as f32 / rules.min_agreeing.saturating_sub(1).max(1) as f32;
    let clear = second.is_none_or(|second| best.similarity - second.similarity >= 2.0 * rules.decision.margin);
    agreeing > 0 && agreeing == shots.len() && clear && best.similarity >= level(rules.decision, OVERWHELMING * missing)
}

/// Saying "unknown" too early cannot be taken back: somebody far away or blurred at first may be known from near.
fn is_ruled_out(
    shots: &[Shot],
    nearest: Option<Candidate>,
    taken: &BTreeSet<PersonId>,
    usable_for: Duration,
    rules: &VisitRules,
) -> bool {
    if shots.len() < rules.min_agreeing {
        return false;
    }
    if usable_for >= PATIENCE {
        return true;
    }
    let all_below = |share| {
        let limit = level(rules.decision, share);
        let below = |found: Option<&Candidate>| found.is_none_or(|found| found.similarity < limit);
        below(nearest.as_ref()) && shots.iter().all(|shot| below(own_nearest(shot, taken)))
    };
    let enough = (rules.min_agreeing + 1).min(rules.max_embeddings);
    all_below(FAR_BELOW) || (shots.len() >= enough && usable_for >= SPREAD && all_below(CLEARLY_BELOW))
}

/// Who a look resembles most by itself, of those it can be.
fn own_nearest<'a>(shot: &'a Shot, taken: &BTreeSet<PersonId>) -> Option<&'a Candidate> {
    shot.nearest.iter().find(|found| !taken.contains(&found.person))
}
