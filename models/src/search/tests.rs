//! Exact on every path, whatever the rows; and a changed index is as if built anew.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::*;

type OwnRow = (PersonId, TemplateId, Vec<f32>);

const DIMENSION: usize = 16;

fn person(n: u128) -> PersonId {
    format!("{n:032x}").parse().unwrap()
}

fn template(n: usize) -> TemplateId {
    format!("{n:032x}").parse().unwrap()
}

fn rows_of(persons: u8, most: usize) -> impl Strategy<Value = Vec<OwnRow>> {
    // Few different values, so that there are ties.
    let value = prop_oneof![-1.0_f32..1.0, Just(0.0), Just(0.5), Just(-0.5)];
    let row = (0..persons, proptest::collection::vec(value, DIMENSION));
    proptest::collection::vec(row, 0..most).prop_map(|rows| {
        let named = rows.into_iter().enumerate();
        named.map(|(n, (who, values))| (person(u128::from(who)), template(n), values)).collect()
    })
}

fn probe() -> impl Strategy<Value = Embedding> {
    let values = prop_oneof![
        proptest::collection::vec(-1.0_f32..1.0, DIMENSION),
        proptest::collection::vec(prop_oneof![Just(1.0_f32), Just(-1.0), Just(0.0)], DIMENSION),
    ];
    values.prop_filter_map("a direction", |values| Embedding::from_raw(values).ok())
}

fn borrowed(rows: &[OwnRow]) -> impl Iterator<Item = Row<'_>> {
    rows.iter().map(|(person, template, vector)| (*person, *template, vector.as_slice()))
}

fn index(rows: &[OwnRow]) -> GalleryIndex {
    GalleryIndex::build(DIMENSION, borrowed(rows)).unwrap()
}

/// Everyone's best inner product in f64, best first, ties by person.
fn by_brute_force(rows: &[OwnRow], probe: &Embedding) -> Vec<(PersonId, f64)> {
    let mut best: BTreeMap<PersonId, f64> = BTreeMap::new();
    for (person, _, vector) in rows {
        let s = vector.iter().zip(probe.as_slice()).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        best.entry(*person).and_modify(|kept| *kept = kept.max(s)).or_insert(s);
    }
    let mut best: Vec<_> = best.into_iter().collect();
    best.sort_by(|a, b| b.1.total_cmp(&a.1));
    best
}

fn check_exact(rows: &[OwnRow], probe: &Embedding, k: usize) {
    let index = index(rows);
    let wanted = by_brute_force(rows, probe);
    assert_eq!((index.len(), index.persons()), (rows.len(), wanted.len()));
    let found = index.best_persons(probe, k);
    assert_eq!(found.len(), k.min(wanted.len()));
    for (found, (_, score)) in found.iter().zip(&wanted) {
        assert!((f64::from(found.similarity) - score).abs() < 1e-6, "{found:?} {score}");
        let of_person = wanted.iter().find(|(person, _)| *person == found.person).unwrap();
        // Who is found has that score; of equal ones another may stand there by the rounding of the last bit.
        assert!((of_person.1 - score).abs() < 1e-12, "{found:?} {of_person:?}");
        let row = rows.iter().find(|row| row.1 == found.template).unwrap();
        assert_eq!(row.0, found.person);
    }
    for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
        assert_eq!(index.best_persons_with(isa, probe, k), found, "{isa:?}");
    }
}

proptest! {
    #[test]
    fn agrees_with_brute_force(rows in rows_of(12, 80), probe in probe(), k in 1_usize..20) {
        check_exact(&rows, &probe, k);
    }

    #[test]
    fn the_order_of_rows_does_not_matter(rows in rows_of(12, 80), probe in probe()) {
        let mut turned = rows.clone();
        turned.reverse();
        prop_assert_eq!(index(&rows).best_persons(&probe, 5), index(&turned).best_persons(&probe, 5));
    }

    #[test]
    fn a_changed_index_is_as_if_built_anew(
        before in rows_of(40, 120), changed in rows_of(40, 60), gone in proptest::collection::vec(0_u8..40, 0..9), probe in probe(),
    ) {
        let changed: Vec<OwnRow> =
            changed.into_iter().enumerate().map(|(n, (p, _, v))| (p, template(1000 + n), v)).collect();
        let gone: Vec<PersonId> = gone.into_iter().map(|n| person(u128::from(n))).collect();
        let touched = |p: &PersonId| gone.contains(p) || changed.iter().any(|row| row.0 == *p);
        let mut after: Vec<OwnRow> = before.iter().filter(|row| !touched(&row.0)).cloned().collect();
        after.extend(changed.iter().cloned());
        // The same by segments of two rows, which no door has, so that every edge between segments is met.
        for old in [index(&before), crumbled(&before)] {
            let new = old.with_changes(borrowed(&changed), gone.iter().copied()).unwrap();
            prop_assert_eq!((new.len(), new.persons()), (after.len(), index(&after).persons()));
            prop_assert_eq!(new.best_persons(&probe, 50), index(&after).best_persons(&probe, 50));
            let names: Vec<_> = new.rows().map(|(person, template, _)| (person, template)).collect();
            prop_assert!(names.is_sorted());
        }
    }
}

/// An index with a segment for each person, that will not be made anew for being small.
fn crumbled(rows: &[OwnRow]) -> GalleryIndex {
    let whole = index(rows);
    let centre = Arc::new(Centre { values: whole.centre.values.clone(), made_of: 1_000_000 });
    let rows: Vec<Row<'_>> = whole.rows().collect();
    let pieces = rows.chunk_by(|a, b| a.0 == b.0).map(|rows| Arc::new(Segment::new(rows, &centre.values)));
    GalleryIndex::of_segments(pieces.collect(), Arc::clone(&centre))
}

/// Many persons of three templates each, like faces: all with something in common, a person's own near together.
fn faces(persons: usize) -> Vec<OwnRow> {
    let mut seed = 1_u64;
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let mut rows = Vec::with_capacity(3 * persons);
    for who in 0..persons {
        let own: [f32; DIMENSION] = std::array::from_fn(|at| random() + if at == 0 { 4.0 } else { 0.0 });
        for n in 0..3 {
            let shot = own.iter().map(|value| value + 0.1 * random()).collect();
            let shot = Embedding::from_raw(shot).unwrap();
            rows.push((person(who as u128), template(3 * who + n), shot.as_slice().to_vec()));
        }
    }
    rows
}

#[test]
fn exact_over_several_segments() {
    let rows = faces(3000);
    for n in [0, 5, 8999] {
        check_exact(&rows, &Embedding::from_raw(rows[n].2.clone()).unwrap(), 3);
    }
    let index = index(&rows);
    assert_eq!(index.segments.len(), 9000_usize.div_ceil(SEGMENT_ROWS));
    assert!(index.segments.iter().all(|segment| segment.len().is_multiple_of(3)), "no person is in two segments");
}

#[test]
fn a_change_of_one_person_shares_all_other_segments() {
    let rows = faces(3000);
    let old = index(&rows);
    let new = old.with_changes([(person(1500), template(99_999), rows[0].2.as_slice())], []).unwrap();
    let shared = new.segments.iter().filter(|s| old.segments.iter().any(|o| Arc::ptr_eq(s, o))).count();
    assert_eq!((shared, new.len()), (old.segments.len() - 1, old.len() - 2));
    let gone = new.with_changes([], (0..2990).map(person)).unwrap();
    assert_eq!((gone.persons(), gone.segments.len()), (10, 1), "crumbs are joined");
    let grown = gone.with_changes(borrowed(&rows), []).unwrap();
    assert_eq!(
        grown.best_persons(&Embedding::from_raw(rows[7].2.clone()).unwrap(), 9),
        old.best_persons(&Embedding::from_raw(rows[7].2.clone()).unwrap(), 9)
    );
}

#[test]
fn of_equal_rows_the_smallest_person_and_template_come_first() {
    let same = vec![0.25_f32; DIMENSION];
    let rows: Vec<OwnRow> = (0..600).map(|n| (person(9_u128 + n as u128 % 300), template(n), same.clone())).collect();
    let found = index(&rows).best_persons(&Embedding::from_raw(same).unwrap(), 3);
    let names: Vec<_> = found.iter().map(|c| (c.person, c.template)).collect();
    assert_eq!(names, [(person(9), template(0)), (person(10), template(1)), (person(11), template(2))]);
}

#[test]
fn what_is_no_number_is_nobody_and_hides_nobody() {
    let mut rows = faces(50);
    rows[10].2[3] = f32::NAN;
    rows[20].2 = vec![f32::INFINITY; DIMENSION];
    rows[20].2[1] = f32::NEG_INFINITY;
    let found = index(&rows).best_persons(&Embedding::from_raw(rows[60].2.clone()).unwrap(), 2);
    assert_eq!(found[0].person, rows[60].0);
    assert!(found.iter().all(|candidate| candidate.similarity.is_finite()));
}

#[test]
fn a_wrong_dimension_is_refused_and_finds_nobody() {
    let row = (PersonId::generate(), TemplateId::generate(), [1.0_f32, 0.0]);
    let row = (row.0, row.1, row.2.as_slice());
    assert!(GalleryIndex::build(3, [row]).is_err());
    let index = GalleryIndex::build(2, [row]).unwrap();
    assert!(index.with_changes([(row.0, row.1, [1.0_f32].as_slice())], []).is_err());
    assert!(index.best_persons(&Embedding::from_raw(vec![1.0; 3]).unwrap(), 1).is_empty());
    assert_eq!(index.best_persons(&Embedding::from_raw(vec![1.0; 2]).unwrap(), 9).len(), 1);
    let empty = index.with_changes([], [row.0]).unwrap();
    assert!(empty.is_empty() && empty.best_persons(&Embedding::from_raw(vec![1.0; 2]).unwrap(), 9).is_empty());
    assert_eq!(empty.with_changes([row], []).unwrap().len(), 1);
}

/// Snapshots change hands while three threads search: each search sees one whole gallery, old or new.
#[test]
fn no_search_is_lost_while_snapshots_change() {
    let rows = faces(1500);
    let current = Arc::new(Mutex::new(Arc::new(index(&rows))));
    let done = AtomicBool::new(false);
    let probe = Embedding::from_raw(rows[0].2.clone()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let snapshot = Arc::clone(&current.lock().unwrap());
                    assert_eq!(snapshot.best_persons(&probe, 2)[0].person, rows[0].0);
                }
            });
        }
        for round in 0..60 {
            let snapshot = Arc::clone(&current.lock().unwrap());
            let who = 1 + round % 1400;
            let newer = snapshot.with_changes([], [person(who as u128)]).unwrap();
            assert_eq!(newer.persons(), snapshot.persons() - 1);
            *current.lock().unwrap() = Arc::new(newer);
        }
        done.store(true, Ordering::Relaxed);
    });
}
