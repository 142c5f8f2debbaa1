//! Who is nearest: an exact search over the templates, the best of each person counting.
//!
//! Every template is kept twice: as it is, and in a quarter of the bytes with a proven bound of what that leaves
//! out (`codes`). A search goes through the compact rows with vector instructions (`segment`), puts aside what
//! may be among the nearest (`shortlist`), and reads only those rows themselves. The answer is that of a search
//! through everything in f64, and the same on every machine.
//!
//! An index is made once and never changed. [`GalleryIndex::with_changes`] makes a new one that shares what did not
//! change, so that a sync costs little and never holds up a search (`change`).

mod change;
mod codes;
mod segment;
mod shortlist;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use ostiary_common::ids::{PersonId, TemplateId};
use ostiary_common::wire;
use ostiary_kernels::Isa;

use self::codes::CodedProbe;
use self::segment::Segment;
use self::shortlist::Shortlist;
use crate::embed::Embedding;

/// About as many rows share a segment. Small enough that making one anew takes a millisecond, large enough that
/// their number costs a search nothing.
const SEGMENT_ROWS: usize = 2048;

/// A template of a person and its values.
pub type Row<'a> = (PersonId, TemplateId, &'a [f32]);

/// A template does not fit into the index.
#[derive(Debug, thiserror::Error)]
#[error("template {template} has {found} values, the index holds vectors of {dimension}")]
pub struct WrongDimension {
    /// The template.
    pub template: TemplateId,
    /// The index's dimension.
    pub dimension: usize,
    /// The template's.
    pub found: usize,
}

/// A person a face resembles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The person.
    pub person: PersonId,
    /// The nearest of the person's templates.
    pub template: TemplateId,
    /// Cosine similarity, -1 to 1.
    pub similarity: f32,
}

impl From<Candidate> for wire::Candidate {
    fn from(found: Candidate) -> Self {
        Self { person: found.person, template: found.template, similarity: found.similarity }
    }
}

/// The templates to search. Cloning it, and changing it, shares memory.
#[derive(Clone, Debug, Default)]
pub struct GalleryIndex {
    /// In order of persons; none is empty, and no person is in two.
    segments: Vec<Arc<Segment>>,
    centre: Arc<Centre>,
    templates: usize,
    persons: usize,
}

/// The middle of the rows: what they have in common.
#[derive(Debug, Default)]
struct Centre {
    values: Vec<f32>,
    /// Of how many rows it is the middle.
    made_of: usize,
}

impl GalleryIndex {
    /// Builds the index of vectors of `dimension` values; the rows may come in any order.
    ///
    /// # Errors
    /// [`WrongDimension`] if a row is of another length.
    pub fn build<'a>(dimension: usize, rows: impl IntoIterator<Item = Row<'a>>) -> Result<Self, WrongDimension> {
        let mut rows: Vec<Row<'a>> = rows.into_iter().collect();
        rows.iter().try_for_each(|row| check_dimension(dimension, row))?;
        rows.sort_by_key(|(person, template, _)| (*person, *template));
        let centre = Arc::new(Centre::of(dimension, &rows));
        Ok(Self::of_segments(change::cut(&rows, &centre), centre))
    }

    fn of_segments(segments: Vec<Arc<Segment>>, centre: Arc<Centre>) -> Self {
        let templates = segments.iter().map(|segment| segment.len()).sum();
        let persons = segments.iter().map(|segment| segment.persons()).sum();
        Self { segments, centre, templates, persons }
    }

    /// How many templates.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.templates
    }

    /// Whether there is no template.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.templates == 0
    }

    /// How many persons.
    #[must_use]
    pub const fn persons(&self) -> usize {
        self.persons
    }

    /// How many values a template has.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.centre.values.len()
    }

    /// Memory the templates take, in bytes, all that search needs included.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.segments.iter().map(|segment| segment.size_bytes()).sum()
    }

    /// The templates in order of persons.
    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.segments.iter().flat_map(|segment| segment.rows())
    }

    /// The `k` nearest persons by their nearest template, nearest first; exact. Of equal similarity the
    /// smaller person id comes first, so that the answer is the same on every machine.
    /// A probe of another dimension finds nobody.
    #[must_use]
    pub fn best_persons(&self, probe: &Embedding, k: usize) -> Vec<Candidate> {
        self.best_persons_with(Isa::best(), probe, k)
    }

    /// As [`GalleryIndex::best_persons`], with one set of vector instructions the machine has: for tests and
    /// benches, since the answer is the same.
    ///
    /// # Panics
    /// If the machine lacks `isa`.
    #[must_use]
    pub fn best_persons_with(&self, isa: Isa, probe: &Embedding, k: usize) -> Vec<Candidate> {
        if probe.dimension() != self.dimension() || k == 0 {
            return Vec::new();
        }
        let probe = CodedProbe::new(isa, probe.as_slice(), &self.centre.values);
        let mut shortlist = Shortlist::new(k);
        for (number, segment) in self.segments.iter().enumerate() {
            segment.scan(&probe, number, &mut shortlist);
        }
        shortlist.settle(&probe, &self.segments)
    }
}

impl Centre {
    fn of(dimension: usize, rows: &[Row<'_>]) -> Self {
        let mut sums = vec![0.0_f64; dimension];
        for (_, _, vector) in rows {
            sums.iter_mut().zip(*vector).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        let count = rows.len().max(1) as f64;
        let mean = |sum: &f64| (sum / count) as f32;
        let values: Vec<f32> = sums.iter().map(mean).collect();
        // A single value that is no number must not spoil the bounds of all the others.
        let values = if values.iter().all(|v| v.abs() < 1e9) { values } else { vec![0.0; dimension] };
        Self { values, made_of: rows.len() }
    }
}

fn check_dimension(dimension: usize, &(_, template, vector): &Row<'_>) -> Result<(), WrongDimension> {
    let found = vector.len();
    if found == dimension { Ok(()) } else { Err(WrongDimension { template, dimension, found }) }
}
