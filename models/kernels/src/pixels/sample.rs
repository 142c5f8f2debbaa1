//! A row read from a picture along a line, between its pixels.

#![expect(clippy::needless_range_loop, reason = "several arrays side by side, which the compiler makes vectors of")]

use super::{BLOCK, Work, on, pack};
use crate::Isa;

/// Points further from a picture's first pixel are taken to be this far.
const FARTHEST: f32 = 4_000_000.0;
/// The longest side of a picture.
const LONGEST: u32 = 1_000_000;

/// A picture of RGB, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Rgb<'a> {
    data: &'a [u8],
    width: u32,
    height: u32,
    stride: usize,
}

impl<'a> Rgb<'a> {
    /// Rows of `stride` bytes, of which the first `3 * width` are pixels; the last may end with them.
    ///
    /// # Panics
    /// If a side is 0 or above a million, or `data` does not hold the picture.
    #[must_use]
    pub fn new(data: &'a [u8], (width, height): (u32, u32), stride: usize) -> Self {
        let sides = 1..=LONGEST;
        assert!(sides.contains(&width) && sides.contains(&height), "sides of {width}x{height}");
        let row = 3 * width as usize;
        let needed = stride.saturating_mul(height as usize - 1).saturating_add(row);
        assert!(stride >= row && data.len() >= needed, "{width}x{height} in {} bytes", data.len());
        Self { data, width, height, stride }
    }

    /// The pixel with 0 above it; black beyond the edges.
    #[inline(always)]
    fn pixel(&self, x: i32, y: i32) -> u32 {
        if x.cast_unsigned() >= self.width || y.cast_unsigned() >= self.height {
            return 0;
        }
        let at = y as usize * self.stride + 3 * x as usize;
        let rgb = &self.data[at..at + 3];
        u32::from_le_bytes([rgb[0], rgb[1], rgb[2], 0])
    }
}

/// Points `start + n * step` for n from 0, in pixels from the centre of the picture's first.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// (x, y).
    pub start: (f32, f32),
    /// (x, y).
    pub step: (f32, f32),
}

/// Fills `target`, pixels of RGB, with the colours along `line`, bilinear; black beyond the edges.
///
/// # Panics
/// If `target` is not whole pixels.
pub fn sample(isa: Isa, picture: Rgb<'_>, line: Line, target: &mut [u8]) {
    assert_eq!(target.len() % 3, 0, "whole pixels");
    on(isa, Sample { picture, line, target });
}

struct Sample<'a> {
    picture: Rgb<'a>,
    line: Line,
    target: &'a mut [u8],
}

impl Work for Sample<'_> {
    #[inline(always)]
    fn run(self) {
        for (index, target) in self.target.chunks_mut(3 * BLOCK).enumerate() {
            let places = Places::along(&self.line, index * BLOCK, target.len() / 3);
            let corners = self.picture.corners(&places);
            let mut colours = [0; 3 * BLOCK];
            pack(&blend(&corners, &places), &mut colours);
            target.copy_from_slice(&colours[..target.len()]);
        }
    }
}

/// Where the points of a block lie: the pixel to their upper left, and how far on from it.
struct Places {
    left: [i32; BLOCK],
    top: [i32; BLOCK],
    right_share: [f32; BLOCK],
    lower_share: [f32; BLOCK],
}

/// Pixels around the points of a block: upper left, upper right, lower left, lower right.
type Corners = [[u32; BLOCK]; 4];

impl Places {
    /// `count` points from the `first` on; those after them repeat the last, so that they lie in the picture if it
    /// does.
    #[inline(always)]
    fn along(line: &Line, first: usize, count: usize) -> Self {
        let last = (first + count - 1) as i32;
        let (mut left, mut top) = ([0; BLOCK], [0; BLOCK]);
        let (mut right_share, mut lower_share) = ([0.0; BLOCK], [0.0; BLOCK]);
        for at in 0..BLOCK {
            let n = (first as i32 + at as i32).min(last) as f32;
            (left[at], right_share[at]) = split(line.start.0 + n * line.step.0);
            (top[at], lower_share[at]) = split(line.start.1 + n * line.step.1);
        }
        Self { left, top, right_share, lower_share }
    }

    /// Whether all four pixels of every point lie in the picture.
    #[inline(always)]
    fn are_inside(&self, picture: &Rgb<'_>) -> bool {
        let (width, height) = (picture.width - 1, picture.height - 1);
        let mut inside = true;
        for at in 0..BLOCK {
            inside &= (self.left[at].cast_unsigned() < width) & (self.top[at].cast_unsigned() < height);
        }
        inside
    }
}

/// The whole number below and the rest; what is no number, or further out than any pixel, lies outside.
#[inline(always)]
#[expect(clippy::manual_clamp, reason = "that would leave what is no number as it is")]
fn split(value: f32) -> (i32, f32) {
    let value = value.max(-FARTHEST).min(FARTHEST);
    let below = below(value);
    (below, value - below as f32)
}

/// The whole number below `value`, which is at most [`FARTHEST`] from 0. Not `floor`, which is a call into the C library on
/// processors without it, and not a cast, which asks for numbers out of range one by one: added to a number so large that
/// nothing is left behind the point, a value is rounded, and stands in the lowest bits.
#[inline(always)]
fn below(value: f32) -> i32 {
    const LARGE: f32 = 12_582_912.0;
    let near = (value + LARGE).to_bits().wrapping_sub(LARGE.to_bits()).cast_signed();
    near.wrapping_sub(i32::from(near as f32 > value))
}

impl Rgb<'_> {
    #[inline(always)]
    fn corners(&self, places: &Places) -> Corners {
        if places.are_inside(self) { self.inner_corners(places) } else { self.any_corners(places) }
    }

    /// Two pixels of a row are six bytes: read as the first four and the last four.
    #[inline(always)]
    fn inner_corners(&self, places: &Places) -> Corners {
        let Rgb { data, stride, .. } = *self;
        let word =
            |bytes: &[u8; 6], at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let pair = |at: usize| data[at..].first_chunk::<6>().expect("two pixels inside of the picture");
        let mut corners = [[0; BLOCK]; 4];
        for n in 0..BLOCK {
            let at = places.top[n] as usize * stride + 3 * places.left[n] as usize;
            let (upper, lower) = (pair(at), pair(at + stride));
            corners[0][n] = word(upper, 0);
            corners[1][n] = word(upper, 2) >> 8;
            corners[2][n] = word(lower, 0);
            corners[3][n] = word(lower, 2) >> 8;
        }
        corners
    }

    #[inline(never)]
    fn any_corners(&self, places: &Places) -> Corners {
        let mut corners = [[0; BLOCK]; 4];
        for n in 0..BLOCK {
            let (x, y) = (places.left[n], places.top[n]);
            let (right, below) = (x.wrapping_add(1), y.wrapping_add(1));
            let around = [(x, y), (right, y), (x, below), (right, below)];
            for (corner, (x, y)) in corners.iter_mut().zip(around) {
                corner[n] = self.pixel(x, y);
            }
        }
        corners
    }
}

/// The colours at the points: across first, then down.
#[inline(always)]
fn blend(corners: &Corners, places: &Places) -> [u32; BLOCK] {
    let mut colours = [0; BLOCK];
    for shift in [0, 8, 16] {
        for n in 0..BLOCK {
            let [upper_left, upper_right, lower_left, lower_right] =
                [0, 1, 2, 3].map(|corner: usize| ((corners[corner][n] >> shift) & 0xFF).cast_signed() as f32);
            let upper = upper_left + (upper_right - upper_left) * places.right_share[n];
            let lower = lower_left + (lower_right - lower_left) * places.right_share[n];
            let value = upper + (lower - upper) * places.lower_share[n] + 0.5;
            colours[n] |= below(value).cast_unsigned() << shift;
        }
    }
    colours
}
