//! The pattern of a screen's or print's dots: skin has no frequency of its own, a copy often has one, its own or
//! the one that comes of two grids looking through each other (moiré).

use std::sync::{Arc, LazyLock};

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

use super::ramp;
use crate::frame::RgbView;
use crate::geometry::Rect;
use crate::layout::luminance;

/// The side of a window in pixels; frequencies below are in cycles per window.
const SIDE: usize = 64;
/// Bins this far away are what a peak is compared with; nearer ones belong to it.
const AROUND: std::ops::RangeInclusive<i32> = 3..=5;
/// Waves of this size, in steps of 255, are no more than rounding leaves behind.
const ROUNDING: f32 = 0.15;
/// A peak's height over its surroundings, in powers of ten, from which on it counts, and is certain.
const PEAK: (f32, f32) = (1.35, 2.0);

static FOURIER: LazyLock<Arc<dyn Fft<f32>>> = LazyLock::new(|| FftPlanner::new().plan_fft_forward(SIDE));

/// Which frequencies can only be a copy's.
#[derive(Clone, Copy)]
enum Plane {
    /// Luminance.
    Light,
    /// Red against blue.
    Colour,
}

impl Plane {
    /// Slower patterns are features of the face; skin has less detail in colour than in light.
    const fn least_frequency(self) -> f32 {
        match self {
            Self::Light => 9.0,
            Self::Colour => 5.0,
        }
    }

    /// JPEG, which many cameras send, draws a grid of 8 pixels, in colour often of 16: its multiples on the axes,
    /// and what lies beside them, are the camera's own.
    fn is_of_jpeg(self, x: i32, y: i32) -> bool {
        let near_axis = x.abs() <= 1 || y.abs() <= 1;
        let grid = |k: i32| (k + 1).rem_euclid(SIDE as i32 / 8) <= 2;
        match self {
            Self::Light => near_axis && grid(x) && grid(y),
            Self::Colour => near_axis,
        }
    }

    fn is_telling(self, x: i32, y: i32) -> bool {
        (x as f32).hypot(y as f32) >= self.least_frequency() && !self.is_of_jpeg(x, y)
    }
}

/// How clearly a periodic pattern lies over the face, 0 to 1. The face is looked at in the camera's own pixels.
pub(super) fn strength(frame: &RgbView<'_>, face: &Rect) -> f32 {
    ramp(peak(frame, face), PEAK.0, PEAK.1)
}

/// The peak that [`strength`] judges, in powers of ten over its surroundings; 0 if there is none.
fn peak(frame: &RgbView<'_>, face: &Rect) -> f32 {
    let side = SIDE as u32;
    if frame.width() < side || frame.height() < side {
        return 0.0;
    }
    let (mut light, mut colour) = (Spectrum::new(), Spectrum::new());
    for (left, top) in windows(frame, face) {
        let both = transformed(&frame.cropped(left, top, side, side));
        light.add(|at, mirrored| (both[at] + both[mirrored].conj()).norm_sqr());
        colour.add(|at, mirrored| (both[at] - both[mirrored].conj()).norm_sqr());
    }
    light.highest_peak(Plane::Light).max(colour.highest_peak(Plane::Colour))
}

/// Power of each frequency as the square of a wave's size in steps of 255, row by row; negative frequencies in
/// the upper half of each axis.
struct Spectrum {
    power: Vec<f32>,
    windows: f32,
}

impl Spectrum {
    fn new() -> Self {
        Self { power: vec![0.0; SIDE * SIDE], windows: 0.0 }
    }

    /// Adds a window: `power` is asked for each bin and its mirror.
    fn add(&mut self, power: impl Fn(usize, usize) -> f32) {
        // A wave of size 1 comes out as half the sum of the window's weights, here taken twice.
        let unit = 4.0 / (SIDE * SIDE) as f32;
        for (at, sum) in self.power.iter_mut().enumerate() {
            let mirrored = ((SIDE - at / SIDE) % SIDE) * SIDE + (SIDE - at % SIDE) % SIDE;
            *sum += power(at, mirrored) * unit * unit;
        }
        self.windows += 1.0;
    }

    fn at(&self, x: i32, y: i32) -> f32 {
        let wrap = |k: i32| (k & (SIDE as i32 - 1)) as usize;
        self.power[wrap(y) * SIDE + wrap(x)]
    }

    /// The highest peak over what surrounds it, in powers of ten.
    fn highest_peak(&self, plane: Plane) -> f32 {
        let half = SIDE as i32 / 2;
        let floor = ROUNDING * ROUNDING * self.windows;
        let bins = (0..half).flat_map(|y| (1 - half..half).map(move |x| (x, y)));
        let found = bins.filter(|(x, y)| plane.is_telling(*x, *y) && self.is_top(*x, *y));
        found.map(|(x, y)| (self.at(x, y) / (self.surroundings(x, y) + floor)).log10()).fold(0.0, f32::max)
    }

    fn is_top(&self, x: i32, y: i32) -> bool {
        let own = self.at(x, y);
        (-1..=1).all(|dy| (-1..=1).all(|dx| self.at(x + dx, y + dy) <= own))
    }

    fn surroundings(&self, x: i32, y: i32) -> f32 {
        let reach = *AROUND.end();
        let (mut sum, mut count) = (0.0, 0.0);
        for dy in -reach..=reach {
            let step = if AROUND.contains(&dy.abs()) { 1 } else { 0 };
            for dx in (-reach..=reach).filter(|dx| step == 1 || AROUND.contains(&dx.abs())) {
                sum += self.at(x + dx, y + dy);
                count += 1.0;
            }
        }
        sum / count
    }
}

/// One window in the middle of a small face, four side by side in one of at least two windows.
fn windows(frame: &RgbView<'_>, face: &Rect) -> impl Iterator<Item = (u32, u32)> + use<> {
    let side = SIDE as f32;
    let reach = if face.width >= 1.6 * side { 0.5 * side } else { 0.0 };
    let centre = face.centre();
    let most = ((frame.width() - SIDE as u32) as f32, (frame.height() - SIDE as u32) as f32);
    let place = move |dx: f32, dy: f32| {
        let at = |centre: f32, shift: f32, most: f32| (centre + shift - side / 2.0).clamp(0.0, most) as u32;
        (at(centre.x, dx, most.0), at(centre.y, dy, most.1))
    };
    let count = if reach > 0.0 { 4 } else { 1 };
    [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)]
        .into_iter()
        .take(count)
        .map(move |(x, y)| place(x * reach, y * reach))
}

/// Luminance (real part) and red against blue (imaginary part) of one window, transformed at once.
fn transformed(window: &RgbView<'_>) -> Vec<Complex<f32>> {
    let mut values = weighted(window);
    FOURIER.process(&mut values);
    let mut turned = transposed(&values);
    FOURIER.process(&mut turned);
    transposed(&turned)
}

/// Both planes around their means, faded out towards the window's edges.
fn weighted(window: &RgbView<'_>) -> Vec<Complex<f32>> {
    let pixels = (0..window.height()).flat_map(|y| window.row(y).as_chunks::<3>().0);
    let planes = pixels
        .map(|pixel| Complex::new(f32::from(luminance(pixel)), 0.5 * (f32::from(pixel[0]) - f32::from(pixel[2]))));
    let planes: Vec<Complex<f32>> = planes.collect();
    let mean = planes.iter().sum::<Complex<f32>>() / planes.len() as f32;
    let fade: [f32; SIDE] =
        std::array::from_fn(|i| 0.5 - 0.5 * (std::f32::consts::TAU * (i as f32 + 0.5) / SIDE as f32).cos());
    let weight = |index: usize| fade[index % SIDE] * fade[index / SIDE];
    planes.iter().enumerate().map(|(index, value)| (value - mean) * weight(index)).collect()
}

fn transposed(values: &[Complex<f32>]) -> Vec<Complex<f32>> {
    (0..SIDE * SIDE).map(|index| values[(index % SIDE) * SIDE + index / SIDE]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::RgbImage;

    /// A picture whose detail falls off with frequency as that of real scenes does, with a pattern over it.
    fn picture(pattern: impl Fn(f32, f32) -> f32) -> RgbImage {
        let scene = |x: f32, y: f32| 120.0 + 30.0 * (0.05 * x).sin() * (0.07 * y).cos() + 15.0 * (0.2 * (x + y)).sin();
        let noise = |x: u32, y: u32| {
            ((x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).wrapping_mul(2_246_822_519) >> 24) as f32 / 64.0
        };
        let value = |x: u32, y: u32| scene(x as f32, y as f32) + noise(x, y) + pattern(x as f32, y as f32);
        let data =
            (0..200).flat_map(|y| (0..200).flat_map(move |x| [value(x, y).clamp(0.0, 255.0) as u8; 3])).collect();
        RgbImage::from_raw(200, 200, data).unwrap()
    }

    #[test]
    fn a_grid_stands_out_and_jpeg_does_not() {
        let face = Rect::new(30.0, 30.0, 130.0, 130.0);
        let found = |pattern: fn(f32, f32) -> f32| strength(&picture(pattern).view(), &face);
        assert!(found(|_, _| 0.0) < 0.3, "{}", peak(&picture(|_, _| 0.0).view(), &face));
        assert!(found(|x, y| 6.0 * (1.3 * x + 0.2 * y).sin()) > 0.9);
        assert!(found(|x, y| 5.0 * (1.0 * x).sin() * (1.1 * y).sin()) > 0.9);
        assert!(found(|x, y| 1.6 * (1.3 * x + 0.8 * y).sin()) > 0.5);
        assert!(found(|x, _| if (x as u32).is_multiple_of(8) { 8.0 } else { 0.0 }) < 0.3);
    }

    #[test]
    fn a_frame_smaller_than_a_window_tells_nothing() {
        assert_eq!(strength(&RgbImage::black(60, 200).view(), &Rect::new(0.0, 0.0, 60.0, 60.0)), 0.0);
        assert_eq!(strength(&RgbImage::black(200, 200).view(), &Rect::new(-50.0, 190.0, 60.0, 60.0)), 0.0);
    }
}
