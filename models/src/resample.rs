//! Reading a picture through a map: what chips and the nets' inputs are cut out with.

use ostiary_kernels::Isa;
use ostiary_kernels::pixels::{self, Line, Rgb};

use crate::frame::{RgbImage, RgbView};
use crate::geometry::{Point, Similarity};

/// Draws `view` through `map` (picture to target) into a new picture of `width` by `height`; what lies outside
/// of the picture is black.
///
/// While the map shrinks to half or less, the part needed is first halved by averaging 2x2 pixels, so that no
/// pixel is skipped; the rest is bilinear.
pub(crate) fn draw(view: &RgbView<'_>, map: &Similarity, width: u32, height: u32) -> RgbImage {
    let mut target = RgbImage::black(width, height);
    let back = map.inverse();
    let Some(part) = Part::needed(view, &back, width, height) else { return target };
    let halvings = halvings(map.scale());
    if halvings == 0 {
        part.sample(&part.view, &back, 1.0, &mut target);
        return target;
    }
    let mut shrunk = halved(&part.view);
    for _ in 1..halvings {
        shrunk = halved(&shrunk.view());
    }
    part.sample(&shrunk.view(), &back, 1.0 / f32::from(1_u16 << halvings), &mut target);
    target
}

/// As [`draw`], from a picture that was halved before, as it comes from a camera; `map` is that of the whole picture, and
/// must shrink it to half or less ([`is_from_half`]).
pub(crate) fn draw_from_half(half: &RgbView<'_>, map: &Similarity, width: u32, height: u32) -> RgbImage {
    let mut target = RgbImage::black(width, height);
    let (back, halvings) = (map.inverse(), halvings(map.scale()).max(1));
    let part = Part { view: *half, left: 0.0, top: 0.0 };
    let shrink = 1.0 / f32::from(1_u16 << halvings);
    if halvings == 1 {
        part.sample(half, &back, shrink, &mut target);
        return target;
    }
    let mut shrunk = halved(half);
    for _ in 2..halvings {
        shrunk = halved(&shrunk.view());
    }
    part.sample(&shrunk.view(), &back, shrink, &mut target);
    target
}

/// Whether a picture drawn through `map` is halved on the way.
pub(crate) fn is_from_half(map: &Similarity) -> bool {
    halvings(map.scale()) > 0
}

/// The part of a picture that a target is drawn from.
struct Part<'a> {
    view: RgbView<'a>,
    left: f32,
    top: f32,
}

impl<'a> Part<'a> {
    /// The smallest part that holds what the target shows, with a rim for the blending of neighbours;
    /// `None` if the target shows nothing of the picture.
    fn needed(view: &RgbView<'a>, back: &Similarity, width: u32, height: u32) -> Option<Self> {
        let rim = 2.0 + 2.0 * back.scale();
        let (w, h) = (width as f32, height as f32);
        let corners = [(0.0, 0.0), (w, 0.0), (0.0, h), (w, h)].map(|(x, y)| back.apply(Point::new(x, y)));
        let low = |pick: fn(&Point) -> f32| corners.iter().map(pick).fold(f32::INFINITY, f32::min) - rim;
        let high = |pick: fn(&Point) -> f32| corners.iter().map(pick).fold(f32::NEG_INFINITY, f32::max) + rim;
        let (left, right) = span(low(|p| p.x), high(|p| p.x), view.width())?;
        let (top, bottom) = span(low(|p| p.y), high(|p| p.y), view.height())?;
        let view = view.cropped(left, top, right - left, bottom - top);
        Some(Self { view, left: left as f32, top: top as f32 })
    }

    /// Fills `target` from `source`, which is this part shrunk by `shrink`.
    fn sample(&self, source: &RgbView<'_>, back: &Similarity, shrink: f32, target: &mut RgbImage) {
        let isa = Isa::best();
        let picture = Rgb::new(source.rows(), (source.width(), source.height()), source.stride());
        let step = (back.step_x().0 * shrink, back.step_x().1 * shrink);
        let row_bytes = 3 * target.width() as usize;
        for (y, row) in target.as_raw_mut().chunks_exact_mut(row_bytes).enumerate() {
            let first = back.apply(Point::new(0.5, y as f32 + 0.5));
            let start = ((first.x - self.left) * shrink - 0.5, (first.y - self.top) * shrink - 0.5);
            pixels::sample(isa, picture, Line { start, step }, row);
        }
    }
}

/// How often to halve before a bilinear read at `scale`: until the rest shrinks by less than two.
fn halvings(scale: f32) -> u32 {
    let mut count = 0;
    let mut rest = scale;
    while rest <= 0.5 && count < 15 {
        rest *= 2.0;
        count += 1;
    }
    count
}

/// Whole pixels from `low` to `high` cut to `0..size`; `None` if nothing is left.
fn span(low: f32, high: f32, size: u32) -> Option<(u32, u32)> {
    let first = low.floor().max(0.0) as u32;
    let last = (high.ceil().max(0.0) as u32).min(size);
    (first < last).then_some((first, last))
}

/// Half the size, each pixel the mean of 2x2; a last odd row or column is averaged with itself.
fn halved(view: &RgbView<'_>) -> RgbImage {
    let (width, height) = (view.width().div_ceil(2), view.height().div_ceil(2));
    let (isa, mut target) = (Isa::best(), RgbImage::black(width, height));
    for (y, row) in target.as_raw_mut().chunks_exact_mut(3 * width as usize).enumerate() {
        let y = 2 * y as u32;
        pixels::halve(isa, view.row(y), view.row((y + 1).min(view.height() - 1)), row);
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: u32, height: u32) -> RgbImage {
        let data = (0..height).flat_map(|y| (0..width).flat_map(move |x| [x as u8, y as u8, 7])).collect();
        RgbImage::from_raw(width, height, data).unwrap()
    }

    #[test]
    fn the_identity_copies() {
        let picture = ramp(9, 7);
        let map = Similarity::new(1.0, 0.0, 0.0, 0.0);
        assert_eq!(draw(&picture.view(), &map, 9, 7), picture);
    }

    #[test]
    fn shrinking_averages_and_stays_in_place() {
        let picture = ramp(128, 64);
        for factor in [2_u8, 4, 8] {
            let map = Similarity::new(1.0 / f32::from(factor), 0.0, 0.0, 0.0);
            let small = draw(&picture.view(), &map, 128 / u32::from(factor), 64 / u32::from(factor));
            for (index, pixel) in small.as_raw().as_chunks::<3>().0.iter().enumerate() {
                let (x, y) = (index as u32 % small.width(), index as u32 / small.width());
                let centre = |at: u32| (at as f32 + 0.5) * f32::from(factor) - 0.5;
                assert!((f32::from(pixel[0]) - centre(x)).abs() <= 1.5, "{factor} {x} {pixel:?}");
                assert!((f32::from(pixel[1]) - centre(y)).abs() <= 1.5, "{factor} {y} {pixel:?}");
            }
        }
    }

    #[test]
    fn a_turn_by_90_degrees_moves_every_pixel() {
        let picture = ramp(8, 8);
        let map = Similarity::new(1.0, 90.0, 8.0, 0.0);
        let turned = draw(&picture.view(), &map, 8, 8);
        for y in 0..8_u8 {
            for x in 0..8_u8 {
                let at = 3 * (usize::from(y) * 8 + usize::from(x));
                assert_eq!(turned.as_raw()[at..at + 2], [y, 7 - x], "{x} {y}");
            }
        }
    }

    #[test]
    fn outside_is_black_and_far_outside_costs_nothing() {
        let picture = RgbImage::from_raw(4, 4, vec![200; 48]).unwrap();
        let far = draw(&picture.view(), &Similarity::new(1.0, 0.0, 1e6, 1e6), 16, 16);
        assert!(far.as_raw().iter().all(|&value| value == 0));
        let near = draw(&picture.view(), &Similarity::new(1.0, 0.0, 4.0, 4.0), 16, 16);
        let lit = near.as_raw().iter().filter(|&&value| value == 200).count();
        assert_eq!(lit, 48);
    }

    #[test]
    fn from_the_half_is_as_from_the_whole() {
        let picture = ramp(250, 180);
        let half = halved(&picture.view());
        for scale in [0.5, 0.35, 0.2, 0.1] {
            let map = Similarity::new(scale, 0.0, 7.0, 3.0);
            assert!(is_from_half(&map));
            let (whole, from_half) = (draw(&picture.view(), &map, 96, 64), draw_from_half(&half.view(), &map, 96, 64));
            assert_eq!(whole, from_half, "{scale}");
        }
        assert!(!is_from_half(&Similarity::new(0.6, 0.0, 0.0, 0.0)));
    }

    #[test]
    #[ignore = "times, does not check: for docs/performance.md"]
    fn time_on_the_way_to_a_net() {
        let picture = ramp(640, 480);
        let pixels = crate::inference::Pixels::new(crate::pack::ColorOrder::Bgr, [127.5; 3], [128.0; 3]);
        let time = |what: &str, map: Similarity, width, height| {
            let least = |work: &dyn Fn()| {
                let times = (0..50).map(|_| {
                    let begun = std::time::Instant::now();
                    work();
                    begun.elapsed()
                });
                times.min().unwrap()
            };
            let drawn = draw(&picture.view(), &map, width, height);
            let drawing = least(&|| drop(std::hint::black_box(draw(&picture.view(), &map, width, height))));
            let planes = least(&|| drop(std::hint::black_box(pixels.tensor(&drawn))));
            println!("{what}: drawn in {drawing:?}, planes in {planes:?}");
        };
        time("640x480 into 256x192", Similarity::new(0.4, 0.0, 0.0, 0.0), 256, 192);
        time("a crop of 240 into 192x192", Similarity::new(0.8, 0.0, -150.0, -100.0), 192, 192);
        time("a face of 190, turned, into a chip of 150", Similarity::new(0.8, 9.0, -150.0, -150.0), 150, 150);
    }
}
