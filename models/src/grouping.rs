//! Visits of nobody known, put together by who they may be: agglomerative clustering by average similarity.
//!
//! [`partition`] is a function of a set: the order in which faces come does not matter, since they are sorted by their
//! keys first. Two clusters come together if the mean of all similarities between them reaches the threshold, the
//! nearest two first; one pair that happens to be alike does not chain two people together, as it does where the nearest
//! pair counts (single linkage, DBSCAN). What somebody has put together or taken apart by hand is a *pin*: faces of one
//! pin stay together, faces of two never meet. [`nearest`] is the quick answer for one newcomer between two partitions;
//! [`inherit`] lets clusters keep the names of the groups they came from.
//!
//! Pure. How two clusters find each other is in `agglomerate`.

mod agglomerate;
mod identity;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use identity::inherit;

use self::agglomerate::{Cluster, agglomerate};
use crate::embed::{Embedding, dot};

/// A face to be grouped.
#[derive(Clone, Copy, Debug)]
pub struct Face<'a, K, P> {
    /// Names it; no two faces have the same.
    pub key: K,
    /// What it looks like. All must be of one pack.
    pub embedding: &'a Embedding,
    /// The group it was put into by hand.
    pub pin: Option<P>,
}

/// Faces that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Together<K, P> {
    /// Their keys, in order.
    pub keys: Vec<K>,
    /// The pin among them.
    pub pin: Option<P>,
}

/// Groups faces: clusters in order of their first keys. `threshold` is the least mean similarity (cosine) at which two
/// clusters are one.
#[must_use]
pub fn partition<K: Copy + Ord, P: Copy + Ord>(faces: &[Face<'_, K, P>], threshold: f32) -> Vec<Together<K, P>> {
    let mut faces: Vec<&Face<'_, K, P>> = faces.iter().collect();
    faces.sort_unstable_by_key(|face| face.key);
    let mut clusters = Vec::new();
    for component in components(&faces, threshold) {
        clusters.extend(agglomerate(started(&faces, &component), threshold));
    }
    let together = |cluster: Cluster<P>| Together {
        keys: cluster.members.iter().map(|place| faces[*place].key).collect(),
        pin: cluster.pin,
    };
    let mut found: Vec<Together<K, P>> = clusters.into_iter().map(together).collect();
    found.sort_unstable_by_key(|cluster| cluster.keys.first().copied());
    found
}

/// Which of some groups a newcomer belongs to: the one with the greatest mean similarity, if that reaches the
/// threshold; of equals the first. Groups without members are passed over.
#[must_use]
pub fn nearest<'a, G: Copy + Ord>(
    newcomer: &Embedding,
    members: impl IntoIterator<Item = (G, &'a Embedding)>,
    threshold: f32,
) -> Option<(G, f32)> {
    let mut sums: BTreeMap<G, (f64, u32)> = BTreeMap::new();
    for (group, embedding) in members {
        let (sum, count) = sums.entry(group).or_default();
        *sum += f64::from(newcomer.similarity(embedding));
        *count += 1;
    }
    let means = sums.into_iter().map(|(group, (sum, count))| (group, (sum / f64::from(count)) as f32));
    let best = means.reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.filter(|(_, mean)| *mean >= threshold)
}

/// Which faces may come together at all: those joined by a chain of pairs that reach the threshold, or by a pin. A mean
/// that reaches it holds such a pair, so that the rest need not be looked at together.
fn components<K, P: Copy + Ord>(faces: &[&Face<'_, K, P>], threshold: f32) -> Vec<Vec<usize>> {
    let mut roots: Vec<usize> = (0..faces.len()).collect();
    let mut pinned: BTreeMap<P, usize> = BTreeMap::new();
    for (place, face) in faces.iter().enumerate() {
        if let Some(pin) = face.pin {
            let first = *pinned.entry(pin).or_insert(place);
            join(&mut roots, first, place);
        }
        let values = face.embedding.as_slice();
        for (before, other) in faces[..place].iter().enumerate() {
            let other = other.embedding.as_slice();
            if other.len() == values.len() && dot(values, other) >= threshold {
                join(&mut roots, before, place);
            }
        }
    }
    let mut components: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for place in 0..faces.len() {
        components.entry(root(&mut roots, place)).or_default().push(place);
    }
    components.into_values().collect()
}

/// The smallest of a tree is its root, whatever order it grew in.
fn join(roots: &mut [usize], a: usize, b: usize) {
    let (a, b) = (root(roots, a), root(roots, b));
    roots[a.max(b)] = a.min(b);
}

fn root(roots: &mut [usize], mut place: usize) -> usize {
    while roots[place] != place {
        roots[place] = roots[roots[place]];
        place = roots[place];
    }
    place
}

/// The clusters a component begins with: one for each pin, one for each face without.
fn started<K, P: Copy + Ord>(faces: &[&Face<'_, K, P>], component: &[usize]) -> Vec<Cluster<P>> {
    let mut pinned: BTreeMap<P, usize> = BTreeMap::new();
    let mut clusters: Vec<Cluster<P>> = Vec::with_capacity(component.len());
    for place in component {
        let Face { embedding, pin, .. } = *faces[*place];
        let values = embedding.as_slice();
        match pin.and_then(|pin| pinned.get(&pin)).and_then(|at| clusters.get_mut(*at)) {
            Some(cluster) if cluster.sum.len() == values.len() => cluster.add(*place, values),
            _ => {
                if let Some(pin) = pin {
                    pinned.insert(pin, clusters.len());
                }
                clusters.push(Cluster::of(*place, values, pin));
            }
        }
    }
    clusters
}
