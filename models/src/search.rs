//! Who is nearest: an exact search over the templates, the best of each person counting.

use ostiary_common::ids::{PersonId, TemplateId};
use ostiary_common::wire;

use crate::embed::{Embedding, dot};

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

/// The templates to search, in one piece of memory, those of a person side by side. Made once and never
/// changed: a new revision of the gallery is a new index.
#[derive(Clone, Debug, Default)]
pub struct GalleryIndex {
    dimension: usize,
    values: Vec<f32>,
    templates: Vec<TemplateId>,
    persons: Vec<PersonRows>,
}

/// A person's rows end where the next person's begin.
#[derive(Clone, Copy, Debug)]
struct PersonRows {
    person: PersonId,
    end: usize,
}

impl GalleryIndex {
    /// Builds the index of vectors of `dimension` values; the rows may come in any order.
    ///
    /// # Errors
    /// [`WrongDimension`] if a row is of another length.
    pub fn build<'a>(
        dimension: usize,
        rows: impl IntoIterator<Item = (PersonId, TemplateId, &'a [f32])>,
    ) -> Result<Self, WrongDimension> {
        let mut rows: Vec<_> = rows.into_iter().collect();
        rows.sort_by_key(|(person, template, _)| (*person, *template));
        let mut index = Self { dimension, values: Vec::with_capacity(rows.len() * dimension), ..Self::default() };
        for (person, template, vector) in rows {
            if vector.len() != dimension {
                return Err(WrongDimension { template, dimension, found: vector.len() });
            }
            index.push(person, template, vector);
        }
        Ok(index)
    }

    /// How many templates.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.templates.len()
    }

    /// Whether there is no template.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    /// How many persons.
    #[must_use]
    pub const fn persons(&self) -> usize {
        self.persons.len()
    }

    /// The `k` nearest persons by their nearest template, nearest first; exact. Of equal similarity the
    /// smaller person id comes first, so that the answer is the same on every machine.
    /// A probe of another dimension finds nobody.
    #[must_use]
    pub fn best_persons(&self, probe: &Embedding, k: usize) -> Vec<Candidate> {
        let mut best: Vec<Candidate> = Vec::with_capacity(k + 1);
        if probe.dimension() != self.dimension || k == 0 {
            return best;
        }
        let mut start = 0;
        for rows in &self.persons {
            let found = self.nearest_template(probe, rows.person, start..rows.end);
            start = rows.end;
            if best.len() < k || best.last().is_some_and(|last| found.similarity > last.similarity) {
                let place = best.partition_point(|kept| kept.similarity >= found.similarity);
                best.insert(place, found);
                best.truncate(k);
            }
        }
        best
    }

    fn nearest_template(&self, probe: &Embedding, person: PersonId, rows: std::ops::Range<usize>) -> Candidate {
        let mut best = Candidate { person, template: self.templates[rows.start], similarity: f32::NEG_INFINITY };
        let vectors = self.values[rows.start * self.dimension..rows.end * self.dimension].chunks_exact(self.dimension);
        for (template, vector) in self.templates[rows].iter().zip(vectors) {
            let similarity = dot(probe.as_slice(), vector);
            if similarity > best.similarity {
                best = Candidate { person, template: *template, similarity };
            }
        }
        best
    }

    fn push(&mut self, person: PersonId, template: TemplateId, vector: &[f32]) {
        self.values.extend_from_slice(vector);
        self.templates.push(template);
        let end = self.templates.len();
        match self.persons.last_mut() {
            Some(last) if last.person == person => last.end = end,
            _ => self.persons.push(PersonRows { person, end }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Row = (PersonId, TemplateId, Vec<f32>);

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        let row = (0_u8..12, proptest::collection::vec(-1.0_f32..1.0, 16));
        proptest::collection::vec(row, 0..80).prop_map(|rows| {
            let persons: Vec<_> = (0..12).map(|_| PersonId::generate()).collect();
            rows.into_iter().map(|(who, v)| (persons[usize::from(who)], TemplateId::generate(), v)).collect()
        })
    }

    fn index(rows: &[Row]) -> GalleryIndex {
        GalleryIndex::build(16, rows.iter().map(|(p, t, v)| (*p, *t, v.as_slice()))).unwrap()
    }

    fn by_brute_force(rows: &[Row], probe: &Embedding) -> Vec<(PersonId, f64)> {
        let mut best: std::collections::BTreeMap<PersonId, f64> = std::collections::BTreeMap::new();
        for (person, _, vector) in rows {
            let s = vector.iter().zip(probe.as_slice()).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            best.entry(*person).and_modify(|kept| *kept = kept.max(s)).or_insert(s);
        }
        let mut best: Vec<_> = best.into_iter().collect();
        best.sort_by(|a, b| b.1.total_cmp(&a.1));
        best
    }

    proptest! {
        #[test]
        fn agrees_with_brute_force(rows in rows(), probe in proptest::collection::vec(-1.0_f32..1.0, 16), k in 1_usize..20) {
            prop_assume!(probe.iter().any(|value| value.abs() > 0.01));
            let probe = Embedding::from_raw(probe).unwrap();
            let index = index(&rows);
            let found = index.best_persons(&probe, k);
            let exact = by_brute_force(&rows, &probe);
            prop_assert_eq!((index.len(), index.persons()), (rows.len(), exact.len()));
            prop_assert_eq!(found.len(), k.min(exact.len()));
            for (got, wanted) in found.iter().zip(&exact) {
                prop_assert!((f64::from(got.similarity) - wanted.1).abs() < 1e-5);
            }
        }

        #[test]
        fn the_order_of_rows_does_not_matter(rows in rows(), probe in proptest::collection::vec(0.1_f32..1.0, 16)) {
            let probe = Embedding::from_raw(probe).unwrap();
            let mut turned = rows.clone();
            turned.reverse();
            prop_assert_eq!(index(&rows).best_persons(&probe, 5), index(&turned).best_persons(&probe, 5));
        }
    }

    #[test]
    fn a_wrong_dimension_is_refused_and_finds_nobody() {
        let row = (PersonId::generate(), TemplateId::generate(), [1.0_f32, 0.0]);
        assert!(GalleryIndex::build(3, [(row.0, row.1, row.2.as_slice())]).is_err());
        let index = GalleryIndex::build(2, [(row.0, row.1, row.2.as_slice())]).unwrap();
        assert!(index.best_persons(&Embedding::from_raw(vec![1.0; 3]).unwrap(), 1).is_empty());
        assert_eq!(index.best_persons(&Embedding::from_raw(vec![1.0; 2]).unwrap(), 9).len(), 1);
    }
}
