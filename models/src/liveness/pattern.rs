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
/// Slower patterns are features of the face.
const LEAST_FREQUENCY: f32 = 9.0;
/// JPEG, which many cameras send, draws a grid of 8 pixels: multiples of this on the axes are its own.
const JPEG_FREQUENCY: i32 = SIDE as i32 / 8;
/// Bins this far away are what a peak is compared with; nearer ones belong to it.
const AROUND: std::ops::RangeInclusive<i32> = 3..=5;
/// A peak's height over its surroundings, in powers of ten, from which on it counts, and is certain.
const PEAK: (f32, f32) = (1.35, 2.0);

static FOURIER: LazyLock<Arc<dyn Fft<f32>>> = LazyLock::new(|| FftPlanner::new().plan_fft_forward(SIDE));

/// Power of each frequency, row by row; negative frequencies in the upper half of each axis.
struct Spectrum(Vec<f32>);

/// How clearly a periodic pattern lies over the face, 0 to 1. The face is looked at in the camera's own pixels.
pub(super) fn strength(frame: &RgbView<'_>, face: &Rect) -> f32 {
    Spectrum::of(frame, face).map_or(0.0, |spectrum| ramp(spectrum.highest_peak(), PEAK.0, PEAK.1))
}

/// The peak that [`strength`] judges, in powers of ten over its surroundings; 0 if there is none.
#[cfg(test)]
fn peak(frame: &RgbView<'_>, face: &Rect) -> f32 {
    Spectrum::of(frame, face).map_or(0.0, |spectrum| spectrum.highest_peak())
}

impl Spectrum {
    /// Mean over the windows in the face; `None` if the frame is smaller than a window.
    fn of(frame: &RgbView<'_>, face: &Rect) -> Option<Self> {
        let side = SIDE as u32;
        if frame.width() < side || frame.height() < side {
            return None;
        }
        let mut power = vec![0.0; SIDE * SIDE];
        for (left, top) in windows(frame, face) {
            add_window(&frame.cropped(left, top, side, side), &mut power);
        }
        Some(Self(power))
    }

    fn at(&self, x: i32, y: i32) -> f32 {
        let wrap = |k: i32| k.rem_euclid(SIDE as i32) as usize;
        self.0[wrap(y) * SIDE + wrap(x)]
    }

    /// The highest peak over what surrounds it, in powers of ten.
    fn highest_peak(&self) -> f32 {
        let half = SIDE as i32 / 2;
        let floor = self.0.iter().sum::<f32>() * 1e-9 + f32::MIN_POSITIVE;
        let bins = (0..half).flat_map(|y| (1 - half..half).map(move |x| (x, y)));
        let found = bins.filter(|(x, y)| is_telling(*x, *y)).filter(|(x, y)| self.is_top(*x, *y));
        found.map(|(x, y)| (self.at(x, y) / (self.surroundings(x, y) + floor)).log10()).fold(0.0, f32::max)
    }

    fn is_top(&self, x: i32, y: i32) -> bool {
        let own = self.at(x, y);
        (-1..=1).all(|dy| (-1..=1).all(|dx| self.at(x + dx, y + dy) <= own))
    }

    fn surroundings(&self, x: i32, y: i32) -> f32 {
        let reach = *AROUND.end();
        let near = (-reach..=reach).flat_map(|dy| (-reach..=reach).map(move |dx| (dx, dy)));
        let (mut sum, mut count) = (0.0, 0.0);
        for (dx, dy) in near.filter(|(dx, dy)| AROUND.contains(&dx.abs().max(dy.abs()))) {
            sum += self.at(x + dx, y + dy);
            count += 1.0;
        }
        sum / count
    }
}

/// Fast enough to be no feature of the face, and not JPEG's grid.
fn is_telling(x: i32, y: i32) -> bool {
    let near_axis = x.abs() <= 1 || y.abs() <= 1;
    let of_jpeg = |k: i32| (k + 1).rem_euclid(JPEG_FREQUENCY) <= 2;
    (x as f32).hypot(y as f32) >= LEAST_FREQUENCY && !(near_axis && of_jpeg(x) && of_jpeg(y))
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

/// Adds the power of one window, each weighted alike whatever its contrast.
fn add_window(window: &RgbView<'_>, power: &mut [f32]) {
    let mut values = weighted(window);
    let fourier = &*FOURIER;
    fourier.process(&mut values);
    let mut turned = transposed(&values);
    fourier.process(&mut turned);
    let spectrum = transposed(&turned);
    let total = spectrum.iter().map(Complex::norm_sqr).sum::<f32>().max(f32::MIN_POSITIVE);
    for (sum, value) in power.iter_mut().zip(&spectrum) {
        *sum += value.norm_sqr() / total;
    }
}

/// Luminance around its mean, faded out towards the window's edges.
fn weighted(window: &RgbView<'_>) -> Vec<Complex<f32>> {
    let grey: Vec<f32> = (0..window.height())
        .flat_map(|y| window.row(y).as_chunks::<3>().0)
        .map(|pixel| f32::from(luminance(pixel)))
        .collect();
    let mean = grey.iter().sum::<f32>() / grey.len() as f32;
    let fade: [f32; SIDE] =
        std::array::from_fn(|i| 0.5 - 0.5 * (std::f32::consts::TAU * (i as f32 + 0.5) / SIDE as f32).cos());
    let weight = |index: usize| fade[index % SIDE] * fade[index / SIDE];
    grey.iter().enumerate().map(|(index, value)| Complex::new((value - mean) * weight(index), 0.0)).collect()
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
        assert!(found(|x, _| if (x as u32).is_multiple_of(8) { 8.0 } else { 0.0 }) < 0.3);
    }

    #[test]
    fn a_frame_smaller_than_a_window_tells_nothing() {
        assert_eq!(strength(&RgbImage::black(60, 200).view(), &Rect::new(0.0, 0.0, 60.0, 60.0)), 0.0);
        assert_eq!(strength(&RgbImage::black(200, 200).view(), &Rect::new(-50.0, 190.0, 60.0, 60.0)), 0.0);
    }
}
