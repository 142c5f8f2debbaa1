//! Where the parts of a face lie in an aligned chip, whatever template the pack aligns to.
//!
//! Face coordinates: the origin is the middle between the eyes, x runs to the right of the picture, y down the
//! face, and 1 is the distance between the eyes. A frontal mean face has its mouth at (0, 1.08).

use crate::align::{AlignedChip, Template};
use crate::frame::RgbView;
use crate::geometry::Point;

/// Where the mouth of a mean face lies, in distances between the eyes.
pub(crate) const MOUTH_Y: f32 = 1.08;

/// The map between face coordinates and chip pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Layout {
    middle: Point,
    across: f32,
    down: f32,
}

/// A rectangle of whole chip pixels; `right` and `bottom` are not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) right: usize,
    pub(crate) bottom: usize,
}

impl Layout {
    /// The layout of chips aligned to `template`.
    pub(crate) fn of(template: &Template) -> Self {
        let [right, left, _, mouth] = template.four;
        let middle = right.midpoint(left);
        let across = right.distance(left).max(1.0);
        Self { middle, across, down: ((mouth.y - middle.y) / MOUTH_Y).max(1.0) }
    }

    /// Chip pixels of a point of the face.
    pub(crate) const fn place(&self, x: f32, y: f32) -> Point {
        Point::new(self.middle.x + x * self.across, self.middle.y + y * self.down)
    }

    /// The pixels from `x.0` to `x.1` and `y.0` to `y.1` of the face, cut to a chip of `side`; never empty.
    pub(crate) fn area(&self, x: (f32, f32), y: (f32, f32), side: u32) -> Area {
        let (low, high) = (self.place(x.0, y.0), self.place(x.1, y.1));
        let last = side as usize - 1;
        let first = |value: f32| (value.max(0.0) as usize).min(last);
        let end = |value: f32, first: usize| (value.ceil().max(0.0) as usize).clamp(first + 1, last + 1);
        let (left, top) = (first(low.x), first(low.y));
        Area { left, top, right: end(high.x, left), bottom: end(high.y, top) }
    }
}

impl Area {
    /// The chip's pixels in this area, row by row.
    pub(crate) fn pixels<'a>(&self, chip: &'a AlignedChip) -> impl Iterator<Item = &'a [u8; 3]> + use<'a> {
        self.view(chip).pixels()
    }

    fn view<'a>(&self, chip: &'a AlignedChip) -> Rows<'a> {
        let (width, height) = ((self.right - self.left) as u32, (self.bottom - self.top) as u32);
        Rows(chip.picture().view().cropped(self.left as u32, self.top as u32, width, height))
    }
}

struct Rows<'a>(RgbView<'a>);

impl<'a> Rows<'a> {
    fn pixels(self) -> impl Iterator<Item = &'a [u8; 3]> {
        (0..self.0.height()).flat_map(move |y| self.0.row(y).as_chunks::<3>().0)
    }
}

/// ITU-R BT.601 in integers, 0 to 255.
pub(crate) fn luminance([red, green, blue]: &[u8; 3]) -> u8 {
    ((77 * u32::from(*red) + 150 * u32::from(*green) + 29 * u32::from(*blue) + 128) >> 8) as u8
}

/// Tests' own: the default pack's template and chips drawn by a formula.
#[cfg(test)]
pub(crate) mod samples {
    use super::{AlignedChip, Point, Template};
    use crate::frame::RgbImage;

    pub(crate) fn template() -> Template {
        let four = [(47.06, 46.78), (100.94, 46.78), (74.0, 80.24), (74.0, 104.91)];
        Template { four: four.map(|(x, y)| Point::new(x, y)), five: None }
    }

    pub(crate) fn chip(value: impl Fn(u32, u32) -> [u8; 3]) -> AlignedChip {
        let data = (0..150).flat_map(|y| (0..150).map(move |x| (x, y))).flat_map(|(x, y)| value(x, y)).collect();
        AlignedChip::from_picture(RgbImage::from_raw(150, 150, data).unwrap()).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lie_where_the_template_puts_them() {
        let layout = Layout::of(&samples::template());
        let near = |p: Point, x: f32, y: f32| assert!(p.distance(Point::new(x, y)) < 0.5, "{p:?} is not {x}, {y}");
        near(layout.place(-0.5, 0.0), 47.06, 46.78);
        near(layout.place(0.5, 0.0), 100.94, 46.78);
        near(layout.place(0.0, MOUTH_Y), 74.0, 104.91);
        let area = layout.area((-9.0, 9.0), (-9.0, 9.0), 150);
        assert_eq!(area, Area { left: 0, top: 0, right: 150, bottom: 150 });
        let outside = layout.area((8.0, 9.0), (8.0, 9.0), 150);
        assert_eq!(outside, Area { left: 149, top: 149, right: 150, bottom: 150 });
    }

    #[test]
    fn an_area_reads_its_own_pixels() {
        let chip = samples::chip(|x, y| [x as u8, y as u8, 0]);
        let area = Area { left: 3, top: 5, right: 5, bottom: 7 };
        let found: Vec<_> = area.pixels(&chip).copied().collect();
        assert_eq!(found, [[3, 5, 0], [4, 5, 0], [3, 6, 0], [4, 6, 0]]);
    }

    #[test]
    fn luminance_keeps_the_range() {
        assert_eq!([luminance(&[0; 3]), luminance(&[255; 3]), luminance(&[128; 3])], [0, 255, 128]);
    }
}
