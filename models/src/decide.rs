//! The open-set decision: is this one of the gallery, and surely this one?

use crate::search::Candidate;

/// What a match must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// Least cosine similarity to the nearest person.
    pub threshold: f32,
    /// Least distance in similarity to the second person: who resembles two people is nobody for sure.
    pub margin: f32,
}

/// Whether a face is of someone in the gallery.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decision {
    /// Of this person.
    Match {
        /// The nearest.
        best: Candidate,
        /// The second person, if the gallery holds one.
        second: Option<Candidate>,
    },
    /// Of nobody here, as far as can be said.
    Unknown {
        /// The nearest all the same, if the gallery holds anyone.
        nearest: Option<Candidate>,
    },
}

/// Decides by the nearest persons, nearest first, one entry a person, at least two if the gallery holds two
/// (as [`crate::search::GalleryIndex::best_persons`] gives them).
#[must_use]
pub fn decide(candidates: &[Candidate], rule: Rule) -> Decision {
    let second = candidates.get(1).copied();
    match candidates.first() {
        Some(&best) if is_match(&best, second.as_ref(), rule) => Decision::Match { best, second },
        nearest => Decision::Unknown { nearest: nearest.copied() },
    }
}

/// Not a number is no match, whatever the rule.
fn is_match(best: &Candidate, second: Option<&Candidate>, rule: Rule) -> bool {
    let clear = second.is_none_or(|second| best.similarity - second.similarity >= rule.margin);
    best.similarity >= rule.threshold && clear
}

#[cfg(test)]
mod tests {
    use super::*;
    use ostiary_common::ids::{PersonId, TemplateId};

    #[test]
    fn threshold_and_margin() {
        let rule = Rule { threshold: 0.93, margin: 0.01 };
        let check = |similarities: &[f32], matches: bool| {
            let person = |similarity: &f32| Candidate {
                person: PersonId::generate(),
                template: TemplateId::generate(),
                similarity: *similarity,
            };
            let candidates: Vec<_> = similarities.iter().map(person).collect();
            match decide(&candidates, rule) {
                Decision::Match { best, second } => {
                    assert!(matches, "{similarities:?}");
                    assert_eq!((Some(best), second), (candidates.first().copied(), candidates.get(1).copied()));
                }
                Decision::Unknown { nearest } => {
                    assert!(!matches, "{similarities:?}");
                    assert_eq!(nearest.map(|found| found.person), candidates.first().map(|found| found.person));
                }
            }
        };
        check(&[], false);
        check(&[0.93], true);
        check(&[0.9299], false);
        check(&[0.95, 0.9399], true);
        check(&[0.95, 0.945], false);
        check(&[0.95, 0.90], true);
        check(&[f32::NAN], false);
        check(&[0.95, f32::NAN], false);
    }
}
