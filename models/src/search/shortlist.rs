//! What may be among the nearest, as far as bounds can tell, and then the nearest for certain.

use ostiary_common::ids::PersonId;
use ostiary_kernels::search::dot;

use super::Candidate;
use super::codes::CodedProbe;
use super::segment::Segment;

/// Beyond this many rows, those that newer bounds exclude are dropped before more are taken.
const CROWDED: usize = 4096;

/// Rows whose ceiling reaches the k-th best floor of distinct persons.
pub(super) struct Shortlist {
    k: usize,
    /// The best floors, one a person, highest first; at most `k`.
    floors: Vec<(f64, PersonId)>,
    rows: Vec<Listed>,
    /// When to clear up next.
    crowded: usize,
}

/// A row that may be among the nearest.
struct Listed {
    segment: u32,
    row: u32,
    ceiling: f64,
}

/// A person's nearest template so far.
struct Nearest {
    score: f64,
    candidate: Candidate,
}

impl Shortlist {
    pub(super) const fn new(k: usize) -> Self {
        Self { k, floors: Vec::new(), rows: Vec::new(), crowded: CROWDED }
    }

    /// At least this much `k` persons have for certain; what cannot reach it need not be looked at.
    pub(super) fn floor(&self) -> f64 {
        if self.floors.len() < self.k { f64::NEG_INFINITY } else { self.floors[self.k - 1].0 }
    }

    /// Takes a row if it may be among the nearest.
    pub(super) fn offer(
        &mut self,
        segment: usize,
        row: usize,
        ceiling: f64,
        floor: f64,
        person: impl FnOnce() -> PersonId,
    ) {
        if ceiling < self.floor() {
            return;
        }
        if floor > self.floor() {
            self.raise(floor, person());
        }
        if self.rows.len() >= self.crowded {
            self.clear_up();
            self.crowded = 2 * self.rows.len().max(CROWDED / 2);
        }
        let number = |n: usize| u32::try_from(n).expect("a gallery has less than 2^32 segments and rows");
        self.rows.push(Listed { segment: number(segment), row: number(row), ceiling });
    }

    /// Counts a floor for its person, once a person.
    fn raise(&mut self, floor: f64, person: PersonId) {
        if let Some(known) = self.floors.iter().position(|(_, known)| *known == person) {
            if self.floors[known].0 >= floor {
                return;
            }
            self.floors.remove(known);
        }
        let place = self.floors.partition_point(|(higher, _)| *higher >= floor);
        self.floors.insert(place, (floor, person));
        self.floors.truncate(self.k);
    }

    fn clear_up(&mut self) {
        let floor = self.floor();
        self.rows.retain(|row| row.ceiling >= floor);
    }

    /// Reads the listed rows themselves, best ceiling first, until no other can come among the `k` nearest.
    pub(super) fn settle(mut self, probe: &CodedProbe<'_>, segments: &[impl AsRef<Segment>]) -> Vec<Candidate> {
        self.clear_up();
        self.rows.sort_unstable_by(|a, b| b.ceiling.total_cmp(&a.ceiling));
        let mut best: Vec<Nearest> = Vec::with_capacity(self.k.min(self.rows.len()) + 1);
        for listed in &self.rows {
            if best.len() == self.k && listed.ceiling < best[self.k - 1].score {
                break;
            }
            let (segment, row) = (segments[listed.segment as usize].as_ref(), listed.row as usize);
            let score = dot(probe.isa, probe.exact, segment.vector(row));
            // What is no number resembles nobody.
            let score = if score.is_nan() { f64::NEG_INFINITY } else { score };
            let candidate =
                Candidate { person: segment.person_of(row), template: segment.template(row), similarity: score as f32 };
            insert(&mut best, Nearest { score, candidate }, self.k);
        }
        best.into_iter().map(|nearest| nearest.candidate).collect()
    }
}

/// One entry a person; of equal scores the smaller person, and within a person the smaller template, comes first.
fn insert(best: &mut Vec<Nearest>, found: Nearest, k: usize) {
    let before = |kept: &Nearest| {
        let (kept_ids, ids) =
            ((kept.candidate.person, kept.candidate.template), (found.candidate.person, found.candidate.template));
        kept.score > found.score || (kept.score == found.score && kept_ids <= ids)
    };
    if let Some(known) = best.iter().position(|kept| kept.candidate.person == found.candidate.person) {
        if before(&best[known]) {
            return;
        }
        best.remove(known);
    }
    let place = best.partition_point(before);
    best.insert(place, found);
    best.truncate(k);
}
