//! What each scope's gallery adds up to, kept up to date change by change. Pure.
//!
//! A digest is a sum over templates, so that a person who changes is taken out of every scope's sum and put in again.
//! Thousands of devices that ask after one enrollment cost one person's worth of work for each scope.

use std::collections::HashMap;

use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::{GroupId, PersonId, TemplateId};
use ostiary_common::wire::Revision;

use super::{GallerySize, GalleryTruth, Scope};

/// Scopes whose sums are kept; beyond it all are forgotten and summed again as they are asked for.
const MOST_SCOPES: usize = 1_024;

/// A person as of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonState {
    /// Who.
    pub person: PersonId,
    /// The revision of the last change.
    pub rev: Revision,
    /// What is held of the person; `None` for one who is removed.
    pub held: Option<HeldPerson>,
}

/// What counts of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldPerson {
    /// Whether the person may be known anywhere.
    pub valid: bool,
    /// The person's groups.
    pub groups: Vec<GroupId>,
    /// The templates of the pack, with their versions.
    pub templates: Vec<(TemplateId, u32)>,
}

/// The sums of one pack.
#[derive(Debug, Default)]
pub struct GalleryBook {
    rev: Revision,
    /// The last removal. It concerns every device, also one that never held the person: who erases wants everyone's
    /// word.
    removed: Revision,
    persons: HashMap<PersonId, Entry>,
    scopes: HashMap<Scope, Sum>,
}

#[derive(Debug)]
struct Entry {
    rev: Revision,
    valid: bool,
    groups: Box<[GroupId]>,
    digest: GalleryDigest,
    templates: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    touched: Revision,
    digest: GalleryDigest,
    size: GallerySize,
}

impl Entry {
    fn is_in(&self, scope: &Scope) -> bool {
        self.valid && scope.admits(&self.groups)
    }
}

impl Sum {
    fn add(&mut self, entry: &Entry) {
        self.digest.merge(&entry.digest);
        self.size.persons += u64::from(entry.templates > 0);
        self.size.templates += u64::from(entry.templates);
    }

    fn remove(&mut self, entry: &Entry) {
        self.digest.unmerge(&entry.digest);
        self.size.persons -= u64::from(entry.templates > 0);
        self.size.templates -= u64::from(entry.templates);
    }
}

impl GalleryBook {
    /// The revision it is at.
    pub const fn rev(&self) -> Revision {
        self.rev
    }

    /// Takes in everyone who changed since [`Self::rev`], which brings it to `rev`.
    pub fn advance(&mut self, changed: impl IntoIterator<Item = PersonState>, rev: Revision) {
        for person in changed {
            self.change(person);
        }
        self.rev = rev;
    }

    fn change(&mut self, state: PersonState) {
        let old = self.persons.remove(&state.person);
        let new = state.held.map(|held| Entry {
            rev: state.rev,
            valid: held.valid,
            groups: held.groups.into(),
            templates: u32::try_from(held.templates.len()).unwrap_or(u32::MAX),
            digest: GalleryDigest::of(held.templates),
        });
        for (scope, sum) in &mut self.scopes {
            // Who changes groups without coming or going here concerns nobody here.
            let (was, is) = (old.as_ref().filter(|e| e.is_in(scope)), new.as_ref().filter(|e| e.is_in(scope)));
            was.inspect(|entry| sum.remove(entry));
            is.inspect(|entry| sum.add(entry));
            if was.map(|entry| entry.digest).unwrap_or_default() != is.map(|entry| entry.digest).unwrap_or_default() {
                sum.touched = sum.touched.max(state.rev);
            }
        }
        match new {
            Some(entry) => drop(self.persons.insert(state.person, entry)),
            None => self.removed = self.removed.max(state.rev),
        }
    }

    /// What a device of this scope must hold. `scope_rev` is the last change of the scope itself.
    pub fn truth(&mut self, scope: &Scope, scope_rev: Revision) -> GalleryTruth {
        let sum = match self.scopes.get(scope) {
            Some(sum) => *sum,
            None => self.sum(scope),
        };
        let touched = sum.touched.max(scope_rev).max(self.removed);
        GalleryTruth { rev: self.rev, touched, digest: sum.digest, size: sum.size }
    }

    fn sum(&mut self, scope: &Scope) -> Sum {
        let mut sum = Sum::default();
        for entry in self.persons.values().filter(|entry| entry.is_in(scope)) {
            sum.add(entry);
            sum.touched = sum.touched.max(entry.rev);
        }
        if self.scopes.len() >= MOST_SCOPES {
            self.scopes.clear();
        }
        self.scopes.insert(scope.clone(), sum);
        sum
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    /// Whether valid, the groups, the templates.
    type Drawn = (bool, Vec<u8>, Vec<u8>);

    /// A few persons, groups and templates, so that changes meet.
    fn states() -> impl Strategy<Value = Vec<(u8, Option<Drawn>)>> {
        let held = (any::<bool>(), prop::collection::vec(0..4u8, 0..3), prop::collection::vec(0..20u8, 0..4));
        prop::collection::vec((0..6u8, prop::option::weighted(0.8, held)), 0..40)
    }

    fn group(n: u8) -> GroupId {
        GroupId(Uuid::from_u128(n.into()))
    }

    fn scopes() -> [Scope; 4] {
        let of = |groups: &[u8]| Scope::Groups(groups.iter().map(|n| group(*n)).collect());
        [Scope::Everyone, of(&[]), of(&[1]), of(&[0, 3])]
    }

    proptest! {
        #[test]
        fn sums_kept_are_sums_made_anew(states in states(), asked in prop::collection::vec(0..4usize, 0..40)) {
            let (mut kept, mut last) = (GalleryBook::default(), HashMap::new());
            for (n, (person, held)) in states.into_iter().enumerate() {
                let (rev, held) = (Revision(n as u64 + 1), held.map(held_person));
                let state = PersonState { person: PersonId(Uuid::from_u128(person.into())), rev, held };
                last.insert(state.person, state.clone());
                kept.advance([state], rev);
                if let Some(scope) = asked.get(n) {
                    kept.truth(&scopes()[*scope], Revision(0));
                }
            }
            let mut anew = GalleryBook::default();
            anew.advance(last.into_values(), kept.rev());
            for scope in scopes() {
                let (found, expected) = (kept.truth(&scope, Revision(0)), anew.truth(&scope, Revision(0)));
                prop_assert_eq!((found.digest, found.size, found.rev), (expected.digest, expected.size, expected.rev));
                prop_assert!(found.touched <= found.rev);
            }
        }
    }

    fn held_person((valid, groups, templates): Drawn) -> HeldPerson {
        let template = |n: u8| (TemplateId(Uuid::from_u128(n.into())), 1);
        let (groups, templates) = (groups.into_iter().map(group), templates.into_iter().map(template));
        HeldPerson { valid, groups: groups.collect(), templates: templates.collect() }
    }

    #[test]
    fn who_is_concerned() {
        let mut book = GalleryBook::default();
        let person = PersonId::generate();
        let state = |rev, groups: &[u8], templates: usize| PersonState {
            person,
            rev: Revision(rev),
            held: Some(HeldPerson {
                valid: true,
                groups: groups.iter().map(|n| group(*n)).collect(),
                templates: (0..templates).map(|_| (TemplateId::generate(), 1)).collect(),
            }),
        };
        let mut check = |state, expected: [u64; 4]| {
            let rev = Revision(book.rev().0 + 1);
            book.advance([state], rev);
            let found = scopes().map(|scope| book.truth(&scope, Revision(0)).touched.0);
            assert_eq!(found, expected, "at {rev:?}");
        };
        check(state(1, &[1], 1), [1, 0, 1, 0]);
        check(state(2, &[1, 3], 0), [2, 0, 2, 0]);
        check(state(3, &[3], 0), [2, 0, 2, 0]);
        check(state(4, &[3], 2), [4, 0, 2, 4]);
        check(PersonState { held: None, ..state(5, &[], 0) }, [5, 5, 5, 5]);
        assert_eq!(book.truth(&Scope::Everyone, Revision(9)).touched, Revision(9));
    }
}
