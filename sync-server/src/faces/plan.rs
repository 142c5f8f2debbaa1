//! What becomes of visits: whom newcomers join, and who changes groups when all are looked at together. Pure but for new
//! ids.

use std::collections::{BTreeMap, BTreeSet};

use ostiary_common::ids::UnknownId;
use ostiary_models::embed::Embedding;
use ostiary_models::grouping::{Face, inherit, nearest, partition};

use super::held::Visit;

/// Visits looked at together, the newest. Older ones stay as they are: looking at twice as many takes four times as long.
pub const MOST_TOGETHER: usize = 10_000;

/// Whom newcomers join, in order: the nearest group, or one of their own.
pub fn join(newcomers: Vec<(i64, Embedding)>, visits: &[Visit], threshold: f32) -> Vec<(i64, UnknownId)> {
    let mut joined: Vec<(i64, UnknownId, Embedding)> = Vec::with_capacity(newcomers.len());
    for (cursor, face) in newcomers {
        let held = visits.iter().map(|visit| (visit.visitor, &*visit.embedding));
        let members = held.chain(joined.iter().map(|(_, visitor, face)| (*visitor, face)));
        let visitor = nearest(&face, members, threshold).map_or_else(UnknownId::generate, |(visitor, _)| visitor);
        joined.push((cursor, visitor, face));
    }
    joined.into_iter().map(|(cursor, visitor, _)| (cursor, visitor)).collect()
}

/// Who changes groups.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Visits with their new groups, group by group.
    pub moves: Vec<(i64, UnknownId)>,
    /// Groups nobody is left in, with the group most of their visits went to.
    pub became: Vec<(UnknownId, UnknownId)>,
}

/// Looks at all visits together.
pub fn regroup(visits: &[Visit], threshold: f32) -> Changes {
    let mut newest: Vec<&Visit> = visits.iter().collect();
    newest.sort_unstable_by_key(|visit| std::cmp::Reverse((visit.at, visit.cursor)));
    newest.truncate(MOST_TOGETHER);
    let faces: Vec<Face<'_, i64, UnknownId>> = newest.iter().map(|visit| face(visit)).collect();
    let clusters = partition(&faces, threshold);
    let before: BTreeMap<i64, UnknownId> = newest.iter().map(|visit| (visit.cursor, visit.visitor)).collect();
    let names = inherit(&before, &clusters);
    let mut after: BTreeMap<i64, UnknownId> = BTreeMap::new();
    for (cluster, name) in clusters.iter().zip(names) {
        let name = name.unwrap_or_else(UnknownId::generate);
        after.extend(cluster.keys.iter().map(|key| (*key, name)));
    }
    let mut moves: Vec<(i64, UnknownId)> =
        after.iter().filter(|(key, name)| before.get(key) != Some(name)).map(|(key, name)| (*key, *name)).collect();
    moves.sort_unstable_by_key(|(cursor, visitor)| (*visitor, *cursor));
    Changes { became: emptied(&before, &after), moves }
}

fn face(visit: &Visit) -> Face<'_, i64, UnknownId> {
    Face { key: visit.cursor, embedding: &visit.embedding, pin: visit.pinned.then_some(visit.visitor) }
}

fn emptied(before: &BTreeMap<i64, UnknownId>, after: &BTreeMap<i64, UnknownId>) -> Vec<(UnknownId, UnknownId)> {
    let left: BTreeSet<UnknownId> = after.values().copied().collect();
    let mut went: BTreeMap<UnknownId, BTreeMap<UnknownId, usize>> = BTreeMap::new();
    for (key, from) in before.iter().filter(|(_, from)| !left.contains(from)) {
        if let Some(to) = after.get(key) {
            *went.entry(*from).or_default().entry(*to).or_default() += 1;
        }
    }
    let most = |to: &BTreeMap<UnknownId, usize>| to.iter().max_by_key(|(_, count)| **count).map(|(to, _)| *to);
    went.into_iter().filter_map(|(from, to)| Some((from, most(&to)?))).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ostiary_common::ids::{DoorId, EventId, SiteId};
    use ostiary_common::time::UnixMillis;

    use super::*;

    fn visit(cursor: i64, visitor: UnknownId, face: [f32; 2], pinned: bool) -> Visit {
        Visit {
            cursor,
            event: EventId::generate(),
            site: SiteId::generate(),
            door: DoorId::generate(),
            at: UnixMillis(cursor),
            visitor,
            pinned,
            embedding: Arc::new(Embedding::from_raw(face.to_vec()).unwrap()),
        }
    }

    const EAST: [f32; 2] = [1.0, 0.0];
    const NORTH: [f32; 2] = [0.0, 1.0];

    #[test]
    fn newcomers_join_whom_they_resemble() {
        let known = UnknownId::generate();
        let face = |values: [f32; 2]| Embedding::from_raw(values.to_vec()).unwrap();
        let newcomers = vec![(2, face(EAST)), (3, face(NORTH)), (4, face(NORTH))];
        let joined = join(newcomers, &[visit(1, known, EAST, false)], 0.9);
        assert_eq!((joined[0], joined[1].1 != known, joined[2].1), ((2, known), true, joined[1].1));
    }

    #[test]
    fn two_that_are_one_go_on_as_the_larger_and_by_hand_counts_more() {
        let (a, b) = (UnknownId::generate(), UnknownId::generate());
        let one = |pinned| [visit(1, a, EAST, pinned), visit(2, b, EAST, pinned), visit(3, b, EAST, pinned)];
        assert_eq!(regroup(&one(false), 0.9), Changes { moves: vec![(1, b)], became: vec![(a, b)] });
        assert_eq!(regroup(&one(true), 0.9), Changes::default());
        let settled = [visit(1, a, EAST, false), visit(2, b, NORTH, false)];
        assert_eq!(regroup(&settled, 0.9), Changes::default());
    }

    #[test]
    fn one_that_is_two_falls_apart() {
        let a = UnknownId::generate();
        let visits = [visit(1, a, EAST, false), visit(2, a, EAST, false), visit(3, a, NORTH, false)];
        let changes = regroup(&visits, 0.9);
        assert_eq!((changes.moves.len(), changes.moves[0].0, changes.became.len()), (1, 3, 0));
    }
}
