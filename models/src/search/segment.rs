//! A piece of the gallery: some persons with all their templates, made once and never changed.

use ostiary_common::ids::{PersonId, TemplateId};
use ostiary_kernels::search::{BLOCK_ROWS, CodeLine, CodedRows, GROUP, lines_a_block, upper_bounds};

use super::Row;
use super::codes::{CodedProbe, CodedRow};
use super::shortlist::Shortlist;

/// Blocks whose bounds are computed in one go; they stay in the nearest cache.
const TILE_BLOCKS: usize = 16;

/// Persons in order of their ids, the rows of each side by side.
#[derive(Debug)]
pub(super) struct Segment {
    persons: Vec<PersonRows>,
    templates: Vec<TemplateId>,
    /// The rows as they are, for the last word.
    exact: Vec<f32>,
    /// The rows coded, for the first look.
    lines: Vec<CodeLine>,
    scales: Vec<[f32; BLOCK_ROWS]>,
    errors: Vec<[f32; BLOCK_ROWS]>,
    /// The largest reach and (finite) error of the rows.
    reach: f64,
    error: f64,
    dimension: usize,
}

/// A person's rows end where the next person's begin.
#[derive(Clone, Copy, Debug)]
struct PersonRows {
    person: PersonId,
    end: usize,
}

impl Segment {
    /// Takes rows sorted by person and template, each as long as the centre.
    pub(super) fn new(rows: &[Row<'_>], centre: &[f32]) -> Self {
        let (dimension, blocks) = (centre.len(), rows.len().div_ceil(BLOCK_ROWS));
        let mut segment = Self {
            persons: Vec::new(),
            templates: Vec::with_capacity(rows.len()),
            exact: Vec::with_capacity(rows.len() * dimension),
            lines: vec![CodeLine::ZERO; blocks * lines_a_block(dimension)],
            scales: vec![[CodedRow::NONE.scale; BLOCK_ROWS]; blocks],
            errors: vec![[CodedRow::NONE.error; BLOCK_ROWS]; blocks],
            reach: 0.0,
            error: 0.0,
            dimension,
        };
        rows.iter().for_each(|row| segment.push(row, centre));
        segment.persons.shrink_to_fit();
        segment
    }

    fn push(&mut self, &(person, template, vector): &Row<'_>, centre: &[f32]) {
        let (block, lane) = (self.templates.len() / BLOCK_ROWS, self.templates.len() % BLOCK_ROWS);
        let lines = &mut self.lines[block * lines_a_block(self.dimension)..];
        let coded = CodedRow::of(vector, centre, |at, code| lines[at / GROUP].0[lane * GROUP + at % GROUP] = code);
        (self.scales[block][lane], self.errors[block][lane]) = (coded.scale, coded.error);
        self.reach = self.reach.max(coded.reach);
        if coded.error.is_finite() {
            self.error = self.error.max(f64::from(coded.error));
        }
        self.exact.extend_from_slice(vector);
        self.templates.push(template);
        let end = self.templates.len();
        match self.persons.last_mut() {
            Some(last) if last.person == person => last.end = end,
            _ => self.persons.push(PersonRows { person, end }),
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.templates.len()
    }

    pub(super) const fn persons(&self) -> usize {
        self.persons.len()
    }

    /// The smallest person id; a segment is never empty.
    pub(super) fn first(&self) -> PersonId {
        self.persons[0].person
    }

    /// The rows in order.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let mut person = 0;
        self.templates.iter().enumerate().map(move |(row, template)| {
            if row == self.persons[person].end {
                person += 1;
            }
            (self.persons[person].person, *template, self.vector(row))
        })
    }

    pub(super) fn vector(&self, row: usize) -> &[f32] {
        &self.exact[row * self.dimension..(row + 1) * self.dimension]
    }

    pub(super) fn template(&self, row: usize) -> TemplateId {
        self.templates[row]
    }

    /// Whose row it is.
    pub(super) fn person_of(&self, row: usize) -> PersonId {
        self.persons[self.persons.partition_point(|person| person.end <= row)].person
    }

    /// Memory taken, in bytes.
    pub(super) fn size_bytes(&self) -> usize {
        size_of_val(&*self.persons)
            + size_of_val(&*self.templates)
            + size_of_val(&*self.exact)
            + size_of_val(&*self.lines)
            + size_of_val(&*self.scales)
            + size_of_val(&*self.errors)
    }

    /// Puts on the shortlist what may be among the nearest; `number` is this segment's place in the index.
    pub(super) fn scan(&self, probe: &CodedProbe<'_>, number: usize, shortlist: &mut Shortlist) {
        let slack = probe.slack(self.reach, self.error);
        let a_block = lines_a_block(self.dimension);
        let mut bounds = [[0.0; BLOCK_ROWS]; TILE_BLOCKS];
        for (tile, scales) in self.scales.chunks(TILE_BLOCKS).enumerate() {
            let (first, count) = (tile * TILE_BLOCKS, scales.len());
            let lines = &self.lines[first * a_block..(first + count) * a_block];
            let rows = CodedRows { lines, scales, errors: &self.errors[first..first + count] };
            let bounds = &mut bounds[..count];
            upper_bounds(probe.isa, &probe.codes, rows, (probe.scale, probe.norm), bounds);
            let mut cut = probe.cut(shortlist.floor(), slack);
            for (block, bounds) in bounds.iter().enumerate() {
                // What is no number is looked at as well.
                if bounds.iter().fold(false, |hit, bound| hit | (*bound >= cut) | bound.is_nan()) {
                    self.look(probe, number, first + block, bounds, slack, shortlist);
                    cut = probe.cut(shortlist.floor(), slack);
                }
            }
        }
    }

    fn look(
        &self,
        probe: &CodedProbe<'_>,
        number: usize,
        block: usize,
        bounds: &[f32; BLOCK_ROWS],
        slack: f64,
        shortlist: &mut Shortlist,
    ) {
        let rows = block * BLOCK_ROWS..self.len().min((block + 1) * BLOCK_ROWS);
        for ((row, bound), error) in rows.zip(bounds).zip(&self.errors[block]) {
            let (mut ceiling, mut floor) = (probe.ceiling(*bound, slack), probe.floor(*bound, *error, slack));
            if !(ceiling.is_finite() && floor.is_finite()) {
                (ceiling, floor) = (f64::INFINITY, f64::NEG_INFINITY);
            }
            shortlist.offer(number, row, ceiling, floor, || self.person_of(row));
        }
    }
}
