//! Clusters that find each other, by a chain of nearest neighbours.
//!
//! From any cluster the chain goes to its nearest, from there to that one's nearest, and so on, until two are each
//! other's nearest: these come together, if their mean similarity reaches the threshold. With means nobody comes nearer
//! by others coming together (the linkage is *reducible*), so that the order in which pairs are found does not matter,
//! and a cluster whose nearest is too far is done. The mean of all similarities between two clusters is the product of
//! their sums over the product of their sizes, so that memory grows with the faces and not with their pairs.

/// Faces that have come together so far.
#[derive(Clone, Debug)]
pub struct Cluster<P> {
    /// Places of the faces, sorted in the end.
    pub members: Vec<usize>,
    /// The sum of their embeddings.
    pub sum: Vec<f64>,
    /// The pin among them.
    pub pin: Option<P>,
}

impl<P: Copy + Ord> Cluster<P> {
    pub fn of(place: usize, values: &[f32], pin: Option<P>) -> Self {
        Self { members: vec![place], sum: values.iter().map(|value| f64::from(*value)).collect(), pin }
    }

    pub fn add(&mut self, place: usize, values: &[f32]) {
        self.members.push(place);
        self.sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += f64::from(*value));
    }

    fn take(&mut self, other: Self) {
        self.members.extend(other.members);
        self.sum.iter_mut().zip(other.sum).for_each(|(sum, value)| *sum += value);
        self.pin = self.pin.or(other.pin);
    }

    /// The mean similarity; that of clusters of two pins, or of two kinds of embeddings, is less than any.
    fn similarity(&self, other: &Self) -> f64 {
        let apart = self.pin.is_some() && other.pin.is_some() && self.pin != other.pin;
        if apart || self.sum.len() != other.sum.len() {
            return f64::NEG_INFINITY;
        }
        let product: f64 = self.sum.iter().zip(&other.sum).map(|(a, b)| a * b).sum();
        product / (self.members.len() * other.members.len()) as f64
    }
}

/// Lets clusters come together until no two reach the threshold.
pub fn agglomerate<P: Copy + Ord>(clusters: Vec<Cluster<P>>, threshold: f32) -> Vec<Cluster<P>> {
    let threshold = f64::from(threshold);
    let mut open: Vec<Option<Cluster<P>>> = clusters.into_iter().map(Some).collect();
    let mut done = Vec::new();
    let mut chain: Vec<usize> = Vec::new();
    while let Some(place) = chain.last().copied().or_else(|| open.iter().position(Option::is_some)) {
        if chain.is_empty() {
            chain.push(place);
        }
        let before = chain.len().checked_sub(2).map(|at| chain[at]);
        match nearest(&open, place, before).filter(|(_, similarity)| *similarity >= threshold) {
            None => {
                done.extend(open[place].take());
                chain.pop();
            }
            Some((next, _)) if Some(next) == before => {
                chain.truncate(chain.len() - 2);
                // The earlier place stays, so that a cluster's place is that of its first member.
                let (stays, goes) = (place.min(next), place.max(next));
                let gone = open[goes].take();
                if let (Some(kept), Some(gone)) = (open[stays].as_mut(), gone) {
                    kept.take(gone);
                }
            }
            Some((next, _)) => chain.push(next),
        }
    }
    for cluster in &mut done {
        cluster.members.sort_unstable();
    }
    done
}

/// The nearest other cluster; of equals the one before in the chain, or else the first, so that a chain ends.
fn nearest<P: Copy + Ord>(open: &[Option<Cluster<P>>], from: usize, before: Option<usize>) -> Option<(usize, f64)> {
    let own = open[from].as_ref()?;
    let mut best: Option<(usize, f64)> = None;
    for (place, cluster) in open.iter().enumerate().filter(|(place, _)| *place != from) {
        let Some(cluster) = cluster else { continue };
        let similarity = own.similarity(cluster);
        let better =
            best.is_none_or(|(_, so_far)| similarity > so_far || (similarity == so_far && before == Some(place)));
        if better {
            best = Some((place, similarity));
        }
    }
    best
}
