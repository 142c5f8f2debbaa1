//! A changed gallery made of an old one: what did not change is shared, not copied.

use std::collections::BTreeMap;
use std::sync::Arc;

use ostiary_common::ids::{PersonId, TemplateId};

use super::segment::Segment;
use super::{Centre, GalleryIndex, Row, SEGMENT_ROWS, WrongDimension, check_dimension};

/// After growing by this factor, the centre no longer speaks for the rows, and the index is made anew.
const OUTGROWN: usize = 4;
/// Smaller galleries are made anew in no time, whatever changes.
const SMALL: usize = 256;

/// Each changed person's templates as they are now; none means gone.
type Changes<'a> = BTreeMap<PersonId, Vec<(TemplateId, &'a [f32])>>;

impl GalleryIndex {
    /// The index after some persons changed: one named in `upserts` has the templates given there and no others,
    /// one named only in `removals` is gone. Segments without a changed person are shared with this index, so a
    /// change of a few persons costs little however large the gallery, and searches in this index go on.
    ///
    /// # Errors
    /// [`WrongDimension`] if a row is of another length than the index's.
    pub fn with_changes<'a>(
        &self,
        upserts: impl IntoIterator<Item = Row<'a>>,
        removals: impl IntoIterator<Item = PersonId>,
    ) -> Result<Self, WrongDimension> {
        let mut changes: Changes<'a> = removals.into_iter().map(|person| (person, Vec::new())).collect();
        for row in upserts {
            check_dimension(self.dimension(), &row)?;
            changes.entry(row.0).or_default().push((row.1, row.2));
        }
        changes.values_mut().for_each(|rows| rows.sort_by_key(|(template, _)| *template));
        if changes.is_empty() {
            return Ok(self.clone());
        }
        let mut segments = self.changed_segments(changes);
        merge_small(&mut segments, &self.centre);
        let changed = Self::of_segments(segments, Arc::clone(&self.centre));
        if changed.len() > OUTGROWN * self.centre.made_of.max(SMALL) || self.centre.made_of < SMALL {
            return Self::build(self.dimension(), changed.rows());
        }
        Ok(changed)
    }

    /// The segments, those anew that a change falls into: the last that begins at or before its person.
    fn changed_segments(&self, mut changes: Changes<'_>) -> Vec<Arc<Segment>> {
        let mut segments = Vec::with_capacity(self.segments.len() + 1);
        for (number, segment) in self.segments.iter().enumerate() {
            let later = match self.segments.get(number + 1) {
                Some(next) => changes.split_off(&next.first()),
                None => BTreeMap::new(),
            };
            let here = std::mem::replace(&mut changes, later);
            if here.is_empty() {
                segments.push(Arc::clone(segment));
            } else {
                segments.extend(cut(&merged(segment.rows(), here), &self.centre));
            }
        }
        // Only an empty index has changes left over.
        segments.extend(cut(&merged(std::iter::empty(), changes), &self.centre));
        segments
    }
}

/// Rows in order, those of changed persons replaced.
fn merged<'a>(rows: impl Iterator<Item = Row<'a>>, changes: Changes<'a>) -> Vec<Row<'a>> {
    let mut all: Vec<Row<'a>> = rows.filter(|(person, ..)| !changes.contains_key(person)).collect();
    for (person, rows) in changes {
        all.extend(rows.into_iter().map(|(template, vector)| (person, template, vector)));
    }
    all.sort_by_key(|(person, template, _)| (*person, *template));
    all
}

/// Cuts sorted rows into segments of about equal size, a person's rows never apart.
pub(super) fn cut(rows: &[Row<'_>], centre: &Centre) -> Vec<Arc<Segment>> {
    let pieces = rows.len().div_ceil(SEGMENT_ROWS).max(1);
    let wanted = rows.len().div_ceil(pieces);
    let (mut segments, mut rest) = (Vec::with_capacity(pieces), rows);
    while !rest.is_empty() {
        let end = if rest.len() <= wanted { rest.len() } else { person_end(rest, wanted) };
        segments.push(Arc::new(Segment::new(&rest[..end], &centre.values)));
        rest = &rest[end..];
    }
    segments
}

/// Where the person of the row before `at` ends; `at` is at least 1.
fn person_end(rows: &[Row<'_>], at: usize) -> usize {
    let person = rows[at - 1].0;
    at + rows[at..].iter().take_while(|row| row.0 == person).count()
}

/// Joins neighbours that together are no more than half a segment, so that many removals do not leave crumbs.
fn merge_small(segments: &mut Vec<Arc<Segment>>, centre: &Centre) {
    let mut at = 0;
    while at + 1 < segments.len() {
        let (left, right) = (&segments[at], &segments[at + 1]);
        if left.len() + right.len() <= SEGMENT_ROWS / 2 {
            let rows: Vec<Row<'_>> = left.rows().chain(right.rows()).collect();
            let joined = Arc::new(Segment::new(&rows, &centre.values));
            segments[at] = joined;
            segments.remove(at + 1);
        } else {
            at += 1;
        }
    }
}
