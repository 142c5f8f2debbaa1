use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::metrics::Random;

const THRESHOLD: f32 = 0.8;

type Pinned = (Vec<f32>, Option<u8>);

fn faces(raw: &[Pinned]) -> Vec<(Embedding, Option<u8>)> {
    raw.iter().map(|(values, pin)| (Embedding::from_raw(values.clone()).unwrap(), *pin)).collect()
}

fn grouped(faces: &[(Embedding, Option<u8>)], order: &[usize]) -> Vec<Together<usize, u8>> {
    let face = |key: &usize| Face { key: *key, embedding: &faces[*key].0, pin: faces[*key].1 };
    partition(&order.iter().map(face).collect::<Vec<_>>(), THRESHOLD)
}

/// A few directions with others near them, some pinned.
fn some() -> impl Strategy<Value = Vec<Pinned>> {
    let near = (0..4_usize, prop::collection::vec(-0.6_f32..0.6, 6), prop::option::weighted(0.3, 0..3_u8));
    let face = near.prop_map(|(axis, mut values, pin)| {
        values[axis] += 1.0;
        values[5] += 0.1;
        (values, pin)
    });
    prop::collection::vec(face, 0..24)
}

fn mean(faces: &[(Embedding, Option<u8>)], a: &[usize], b: &[usize]) -> f32 {
    let sum: f32 = a.iter().flat_map(|x| b.iter().map(|y| faces[*x].0.similarity(&faces[*y].0))).sum();
    sum / (a.len() * b.len()) as f32
}

proptest! {
    #[test]
    fn the_order_does_not_matter(raw in some(), seed: u64) {
        let faces = faces(&raw);
        let sorted: Vec<usize> = (0..faces.len()).collect();
        let mut order = sorted.clone();
        let mut random = Random::new(seed);
        for place in (1..order.len()).rev() {
            order.swap(place, random.index(place + 1));
        }
        prop_assert_eq!(grouped(&faces, &order), grouped(&faces, &sorted));
    }

    #[test]
    fn what_is_left_apart_is_apart_and_pins_hold(raw in some()) {
        let faces = faces(&raw);
        let clusters = grouped(&faces, &(0..faces.len()).collect::<Vec<_>>());
        let mut keys: Vec<usize> = clusters.iter().flat_map(|cluster| cluster.keys.clone()).collect();
        keys.sort_unstable();
        prop_assert_eq!(keys, (0..faces.len()).collect::<Vec<_>>());
        for (place, a) in clusters.iter().enumerate() {
            prop_assert!(a.keys.iter().all(|key| faces[*key].1.is_none_or(|pin| Some(pin) == a.pin)));
            for b in &clusters[place + 1..] {
                let apart = a.pin.is_some() && b.pin.is_some();
                prop_assert!(a.pin.is_none() || a.pin != b.pin);
                prop_assert!(apart || mean(&faces, &a.keys, &b.keys) < THRESHOLD + 1e-5);
            }
        }
    }

    #[test]
    fn grouping_again_changes_nothing_and_names_stay(raw in some()) {
        let mut faces = faces(&raw);
        let order: Vec<usize> = (0..faces.len()).collect();
        let clusters = grouped(&faces, &order);
        let named: Vec<Together<usize, usize>> =
            clusters.iter().map(|cluster| Together { keys: cluster.keys.clone(), pin: None }).collect();
        let before: BTreeMap<usize, usize> = clusters.iter().enumerate()
            .flat_map(|(name, cluster)| cluster.keys.iter().map(move |key| (*key, name))).collect();
        let names: Vec<Option<usize>> = (0..clusters.len()).map(Some).collect();
        prop_assert_eq!(inherit(&before, &named), names);
        // Every cluster pinned to itself is the same partition.
        for (pin, cluster) in (0_u8..).zip(&clusters) {
            cluster.keys.iter().for_each(|key| faces[*key].1 = Some(pin));
        }
        let again: Vec<Vec<usize>> = grouped(&faces, &order).into_iter().map(|cluster| cluster.keys).collect();
        prop_assert_eq!(again, clusters.into_iter().map(|cluster| cluster.keys).collect::<Vec<_>>());
    }
}

#[test]
fn names_follow_the_most_faces() {
    let check = |before: &[(u32, char)], clusters: &[(&[u32], Option<char>)], expected: &[Option<char>]| {
        let clusters: Vec<Together<u32, char>> =
            clusters.iter().map(|(keys, pin)| Together { keys: keys.to_vec(), pin: *pin }).collect();
        assert_eq!(inherit(&before.iter().copied().collect(), &clusters), expected);
    };
    check(&[], &[(&[1, 2], None)], &[None]);
    check(&[(1, 'a'), (2, 'a')], &[(&[1, 2, 3], None)], &[Some('a')]);
    // Two groups that turn out to be one go on under the name of the larger; of equals, of the older.
    check(&[(1, 'a'), (2, 'b'), (3, 'b')], &[(&[1, 2, 3], None)], &[Some('b')]);
    check(&[(1, 'b'), (2, 'a')], &[(&[1, 2], None)], &[Some('a')]);
    // One that falls apart goes on as its larger part.
    check(&[(1, 'a'), (2, 'a'), (3, 'a')], &[(&[1], None), (&[2, 3], None)], &[None, Some('a')]);
    check(&[(1, 'a'), (2, 'a')], &[(&[1], Some('a')), (&[2], None)], &[Some('a'), None]);
}

#[test]
fn a_newcomer_joins_the_nearest_group_or_none() {
    let face = |x: f32, y: f32| Embedding::from_raw(vec![x, y]).unwrap();
    let (east, north, newcomer) = (face(1.0, 0.1), face(0.1, 1.0), face(1.0, 0.0));
    let members = || [('n', &north), ('e', &east), ('e', &newcomer)];
    assert_eq!(nearest(&newcomer, members(), 0.8).map(|(group, _)| group), Some('e'));
    assert_eq!(nearest(&face(-1.0, 0.0), members(), 0.8), None);
    assert_eq!(nearest::<char>(&newcomer, [], 0.8), None);
    assert_eq!(
        nearest(&newcomer, [('b', &east), ('a', &east)], 0.8).map(|(group, _)| group),
        Some('a'),
        "of equals the first"
    );
}
