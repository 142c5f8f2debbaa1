//! Names that outlive a new partition.

use std::collections::{BTreeMap, BTreeSet};

use super::Together;

/// Which group each cluster goes on as; `None` for one that is new. `before` is where each face was. A cluster with a
/// pin is that group; of the others each goes on as the group most of its faces come from, the largest shares first, of
/// equals the older (smaller) name. No group goes on as two.
#[must_use]
pub fn inherit<K: Copy + Ord, G: Copy + Ord>(before: &BTreeMap<K, G>, clusters: &[Together<K, G>]) -> Vec<Option<G>> {
    let mut names: Vec<Option<G>> = clusters.iter().map(|cluster| cluster.pin).collect();
    let mut taken: BTreeSet<G> = names.iter().flatten().copied().collect();
    let mut claims: Vec<(usize, G, usize)> = Vec::new();
    for (place, cluster) in clusters.iter().enumerate().filter(|(_, cluster)| cluster.pin.is_none()) {
        let mut shares: BTreeMap<G, usize> = BTreeMap::new();
        for group in cluster.keys.iter().filter_map(|key| before.get(key)) {
            *shares.entry(*group).or_default() += 1;
        }
        claims.extend(shares.into_iter().map(|(group, share)| (share, group, place)));
    }
    claims.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    for (_, group, place) in claims {
        if names[place].is_none() && taken.insert(group) {
            names[place] = Some(group);
        }
    }
    names
}
