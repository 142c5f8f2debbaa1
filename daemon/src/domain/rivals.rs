//! One person stands in a frame at most once: of several faces that resemble one person, the assignment that
//! fits best as a whole says which may have the name.

use std::collections::{BTreeMap, BTreeSet};

use ostiary_common::ids::PersonId;
use ostiary_models::search::Candidate;

use super::assign::best_pairs;

/// A claim on the threshold is still one, if the weakest.
const LEAST_GAIN: f32 = 1e-4;

/// What a face of the frame lays claim to.
#[derive(Clone, Debug)]
pub enum Claim {
    /// It was decided to be this person.
    Held(PersonId),
    /// These persons are nearest, nearest first.
    Open(Vec<Candidate>),
    /// None.
    Nobody,
}

/// For each claim, the persons that cannot be this one, because another face of the frame is them. A claim
/// counts from `threshold` on, by how far it is above: two faces that might both be one person do not push the
/// surer one to somebody else.
pub fn taken_by_others(claims: &[Claim], threshold: f32) -> Vec<BTreeSet<PersonId>> {
    let held: BTreeSet<PersonId> = claims.iter().filter_map(Claim::held).collect();
    let open = claims.iter().flat_map(Claim::candidates).filter(|found| found.similarity >= threshold);
    let persons: Vec<PersonId> = open
        .map(|found| found.person)
        .filter(|person| !held.contains(person))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let gain = |row: usize, column: usize| {
        let found = claims[row].candidates().iter().find(|found| found.person == persons[column])?;
        (found.similarity >= threshold).then_some(found.similarity - threshold + LEAST_GAIN)
    };
    let mut given: BTreeMap<usize, PersonId> =
        best_pairs(claims.len(), persons.len(), gain).into_iter().map(|(row, column)| (row, persons[column])).collect();
    given.extend(claims.iter().enumerate().filter_map(|(row, claim)| Some((row, claim.held()?))));
    let others = |row: usize| given.iter().filter(|(other, _)| **other != row).map(|(_, person)| *person).collect();
    (0..claims.len()).map(others).collect()
}

impl Claim {
    const fn held(&self) -> Option<PersonId> {
        match self {
            Self::Held(person) => Some(*person),
            Self::Open(_) | Self::Nobody => None,
        }
    }

    fn candidates(&self) -> &[Candidate] {
        match self {
            Self::Open(candidates) => candidates,
            Self::Held(_) | Self::Nobody => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ostiary_common::ids::TemplateId;
    use proptest::prelude::*;

    fn person(n: u128) -> PersonId {
        PersonId(uuid::Uuid::from_u128(n))
    }

    fn open(rows: &[(u128, f32)]) -> Claim {
        let template = TemplateId(uuid::Uuid::from_u128(1));
        Claim::Open(rows.iter().map(|&(n, similarity)| Candidate { person: person(n), template, similarity }).collect())
    }

    #[test]
    fn the_surer_face_gets_the_name() {
        let check = |claims: &[Claim], expected: &[&[u128]]| {
            let taken = taken_by_others(claims, 0.93);
            let expected: Vec<BTreeSet<_>> =
                expected.iter().map(|row| row.iter().map(|n| person(*n)).collect()).collect();
            assert_eq!(taken, expected, "{claims:?}");
        };
        check(&[], &[]);
        check(&[open(&[(1, 0.97)])], &[&[]]);
        check(&[open(&[(1, 0.94)]), open(&[(1, 0.97)])], &[&[1], &[]]);
        check(&[Claim::Held(person(1)), open(&[(1, 0.99)])], &[&[], &[1]]);
        // The sum decides: the second face has no other name, the first has one nearly as good.
        check(&[open(&[(1, 0.98), (2, 0.975)]), open(&[(1, 0.97)])], &[&[1], &[2]]);
        // But a faint claim does not push a sure one to somebody it hardly resembles.
        check(&[open(&[(1, 0.97), (2, 0.935)]), open(&[(1, 0.94)])], &[&[], &[1]]);
        check(&[open(&[(1, 0.90)]), open(&[(1, 0.92)]), Claim::Nobody], &[&[], &[], &[]]);
    }

    proptest! {
        #[test]
        fn nobody_is_two_faces(rows in proptest::collection::vec(
            // A search names each person once.
            proptest::collection::btree_map(0_u128..4, 0.9_f32..1.0, 0..4).prop_map(Vec::from_iter), 0..5)
        ) {
            let claims: Vec<Claim> = rows.iter().map(|row| open(row)).collect();
            let taken = taken_by_others(&claims, 0.93);
            let best = |row: usize| {
                let free = rows[row].iter().filter(|(n, similarity)| !taken[row].contains(&person(*n)) && *similarity >= 0.93);
                free.max_by(|a, b| a.1.total_cmp(&b.1)).map(|found| found.0)
            };
            let named: Vec<u128> = (0..claims.len()).filter_map(best).collect();
            let distinct: BTreeSet<u128> = named.iter().copied().collect();
            prop_assert_eq!(named.len(), distinct.len());
        }
    }
}
