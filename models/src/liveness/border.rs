//! The edge of a screen, a bezel or a sheet around the face: straight lines beside, above and below the head.
//!
//! A door's frame has such lines too. What tells them apart is that a copy's edges move with the face, which only a
//! track can see; a single look gives where the lines are.

use crate::frame::RgbView;
use crate::geometry::Rect;
use crate::layout::luminance;

/// The surroundings looked at are a square of this side, in widths of the face's box, seen with [`GRID`] pixels.
const AROUND: f32 = 4.0;
const GRID: usize = 96;
/// A step of luminance over two pixels of the grid that belongs to an edge.
const STEP: i16 = 14;
/// A line leans by at most this many pixels of the grid over the length looked at, to either side.
const LEAN: i32 = 6;
/// Lines lie this far from the face's centre, in pixels of the grid: beyond the head, within the surroundings.
const REACH: std::ops::Range<i32> = 15..45;
/// Half the length of a line looked at, in pixels of the grid: about the height of a head.
const HALF_LENGTH: i32 = 16;
/// Share of a line that must be edge.
const LEAST_SHARE: f32 = 0.85;

/// The four sides of the face: left, right, above, below.
pub(super) const SIDES: usize = 4;

/// Where straight lines lie beside the face.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Border {
    /// The clearest line of each side, as the coordinate in the frame where it crosses the face's centre line
    /// (x for left and right, y for above and below), in pixels.
    pub(super) lines: [Option<f32>; SIDES],
}

/// The surroundings of a face in grey, shrunk.
struct Surroundings {
    grey: Vec<i16>,
    region: Rect,
}

impl Border {
    /// Looks for the clearest line on each side of a face.
    pub(super) fn find(frame: &RgbView<'_>, face: &Rect) -> Self {
        let around = Surroundings::of(frame, face);
        Self { lines: std::array::from_fn(|side| around.line(side)) }
    }
}

impl Surroundings {
    fn of(frame: &RgbView<'_>, face: &Rect) -> Self {
        let region = face.square_around(AROUND * face.width / face.width.max(face.height).max(1.0));
        let step = region.width / GRID as f32;
        let last = (frame.width() as f32 - 1.0, frame.height() as f32 - 1.0);
        let column = |x: usize| (region.left + (x as f32 + 0.5) * step).clamp(0.0, last.0) as usize;
        let columns: Vec<usize> = (0..GRID).map(column).collect();
        let row = |y: usize| {
            let row = frame.row((region.top + (y as f32 + 0.5) * step).clamp(0.0, last.1) as u32).as_chunks::<3>().0;
            columns.iter().map(|x| i16::from(luminance(&row[*x]))).collect::<Vec<_>>()
        };
        Self { grey: (0..GRID).flat_map(row).collect(), region }
    }

    /// The value `out` pixels from the centre towards a side, `along` pixels along it.
    fn at(&self, side: usize, out: i32, along: i32) -> i16 {
        let half = GRID as i32 / 2;
        let (x, y) = match side {
            0 => (half - out, half + along),
            1 => (half + out, half + along),
            2 => (half + along, half - out),
            _ => (half + along, half + out),
        };
        let within = |k: i32| k.clamp(0, GRID as i32 - 1) as usize;
        self.grey[within(y) * GRID + within(x)]
    }

    fn line(&self, side: usize) -> Option<f32> {
        let candidates = REACH.flat_map(|out| (-LEAN..=LEAN).map(move |lean| (out, lean)));
        let shares = candidates.map(|(out, lean)| (self.share(side, out, lean), out));
        let (share, out) = shares.max_by(|a, b| a.0.total_cmp(&b.0))?;
        (share >= LEAST_SHARE).then(|| self.place(side, out))
    }

    /// The share of a line's length where the luminance steps by at least [`STEP`], all in one direction.
    fn share(&self, side: usize, out: i32, lean: i32) -> f32 {
        let (mut rising, mut falling) = (0, 0);
        for along in -HALF_LENGTH..=HALF_LENGTH {
            let out = out + along * lean / HALF_LENGTH;
            let step = self.at(side, out + 1, along) - self.at(side, out - 1, along);
            rising += i32::from(step >= STEP);
            falling += i32::from(step <= -STEP);
        }
        rising.max(falling) as f32 / (2 * HALF_LENGTH + 1) as f32
    }

    /// Where a line crosses the face's centre line, in pixels of the frame.
    fn place(&self, side: usize, out: i32) -> f32 {
        let (centre, step) = (self.region.centre(), self.region.width / GRID as f32);
        let out = out as f32 * step;
        match side {
            0 => centre.x - out,
            1 => centre.x + out,
            2 => centre.y - out,
            _ => centre.y + out,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::RgbImage;

    fn picture(value: impl Fn(f32, f32) -> u8) -> RgbImage {
        let data = (0..400).flat_map(|y| (0..400).map(move |x| (x, y)));
        RgbImage::from_raw(400, 400, data.flat_map(|(x, y)| [value(x as f32, y as f32); 3]).collect()).unwrap()
    }

    fn found(value: impl Fn(f32, f32) -> u8) -> [Option<f32>; SIDES] {
        Border::find(&picture(value).view(), &Rect::new(150.0, 150.0, 100.0, 110.0)).lines
    }

    #[test]
    fn a_sheet_shows_four_lines_where_they_are() {
        let lean = 0.08;
        let sheet = found(|x, y| {
            let (u, v) = (x + lean * (y - 205.0), y - lean * (x - 200.0));
            if (100.0..310.0).contains(&u) && (90.0..330.0).contains(&v) { 180 } else { 90 }
        });
        for (line, wanted) in sheet.iter().zip([100.0, 310.0, 90.0, 330.0]) {
            assert!(line.is_some_and(|line| (line - wanted).abs() < 8.0), "{sheet:?}");
        }
    }

    #[test]
    fn a_plain_wall_and_a_round_outline_show_none() {
        assert_eq!(found(|x, y| (100.0 + 0.1 * x + 0.05 * y) as u8), [None; SIDES]);
        let round = found(|x, y| if (x - 200.0).hypot(y - 205.0) < 105.0 { 180 } else { 60 });
        assert_eq!(round, [None; SIDES]);
    }

    #[test]
    fn a_doors_frame_shows_its_posts() {
        let door = found(|x, _| if (90.0..320.0).contains(&x) { 140 } else { 70 });
        assert!(door[0].is_some() && door[1].is_some() && door[2].is_none() && door[3].is_none(), "{door:?}");
    }
}
