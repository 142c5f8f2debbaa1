//! The face of a chip, small and in grey: what looks at different times are compared by.

use crate::align::AlignedChip;
use crate::layout::{Layout, luminance};

/// Pixels across.
pub(super) const WIDTH: usize = 40;
/// Pixels down.
pub(super) const HEIGHT: usize = 44;
/// The part of the face shown, in face coordinates.
const LEFT: f32 = -0.95;
const TOP: f32 = -0.6;
const STEP: f32 = 1.9 / WIDTH as f32;

/// Grey values 0 to 255, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Thumbnail(Box<[f32]>);

/// Where pixel (x, y) of a thumbnail lies on the face, in face coordinates.
pub(super) fn face_point(x: usize, y: usize) -> (f32, f32) {
    (LEFT + (x as f32 + 0.5) * STEP, TOP + (y as f32 + 0.5) * STEP)
}

/// Pixels of a thumbnail for a distance of 1 on the face.
pub(super) const PX_PER_EYE_DISTANCE: f32 = 1.0 / STEP;

impl Thumbnail {
    /// Averages the chip's pixels.
    pub(super) fn of(chip: &AlignedChip, layout: &Layout) -> Self {
        let half = STEP / 2.0;
        let cell = |index: usize| {
            let (x, y) = face_point(index % WIDTH, index / WIDTH);
            let area = layout.area((x - half, x + half), (y - half, y + half), chip.side());
            let (sum, count) = area
                .pixels(chip)
                .fold((0_u32, 0_u32), |(sum, count), pixel| (sum + u32::from(luminance(pixel)), count + 1));
            sum as f32 / count as f32
        };
        Self((0..WIDTH * HEIGHT).map(cell).collect())
    }

    #[cfg(test)]
    pub(super) fn drawn(value: impl Fn(f32, f32) -> f32) -> Self {
        let at = |index: usize| face_point(index % WIDTH, index / WIDTH);
        Self((0..WIDTH * HEIGHT).map(|index| value(at(index).0, at(index).1)).collect())
    }

    /// Each pixel blended with its eight neighbours (1 2 1 in both directions); the rim stays as it is.
    pub(super) fn blended(&self) -> Self {
        let mut blended = self.clone();
        for y in 1..HEIGHT - 1 {
            for x in 1..WIDTH - 1 {
                let row = |y: usize| self.at(x - 1, y) + 2.0 * self.at(x, y) + self.at(x + 1, y);
                blended.0[y * WIDTH + x] = (row(y - 1) + 2.0 * row(y) + row(y + 1)) / 16.0;
            }
        }
        blended
    }

    pub(super) fn at(&self, x: usize, y: usize) -> f32 {
        self.0[y * WIDTH + x]
    }

    /// The value between pixels, counted from the centre of the first; `None` outside.
    pub(super) fn between(&self, x: f32, y: f32) -> Option<f32> {
        if !(x >= 0.0 && y >= 0.0 && x < (WIDTH - 1) as f32 && y < (HEIGHT - 1) as f32) {
            return None;
        }
        let (left, top) = (x as usize, y as usize);
        let (right_share, lower_share) = (x - left as f32, y - top as f32);
        let row = |y: usize| self.at(left, y) + (self.at(left + 1, y) - self.at(left, y)) * right_share;
        Some(row(top) + (row(top + 1) - row(top)) * lower_share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::samples::{chip, template};

    #[test]
    fn shows_the_chip_where_the_face_is() {
        let picture = chip(|x, y| [x as u8, x as u8, (x + y - y) as u8]);
        let layout = Layout::of(&template());
        let small = Thumbnail::of(&picture, &layout);
        for x in 0..WIDTH {
            let wanted = layout.place(face_point(x, 20).0, 0.0).x - 0.5;
            assert!((small.at(x, 20) - wanted).abs() < 1.6, "{x}: {} {wanted}", small.at(x, 20));
        }
    }

    #[test]
    fn reads_between_pixels() {
        let small = Thumbnail::drawn(|x, y| 100.0 + 10.0 * x + 20.0 * y);
        let (x, y) = face_point(10, 12);
        let found = small.between(10.5, 12.25).unwrap();
        let wanted = 100.0 + 10.0 * (x + 0.5 * STEP) + 20.0 * (y + 0.25 * STEP);
        assert!((found - wanted).abs() < 1e-3);
        assert_eq!(small.between(-0.1, 3.0), None);
        assert_eq!(small.between(39.0, 3.0), None);
    }
}
