//! What the aligned chip itself tells: light and detail.

use super::ramp;
use crate::align::AlignedChip;
use crate::layout::luminance;

/// Luminance below and above which a pixel counts as clipped.
const CLIPPED: (u8, u8) = (12, 245);
/// The part of the chip's side cut off at each edge: hair and background are not the face.
const RIM_SHARE: u32 = 5;

/// Measured on the inner part of a chip.
pub(super) struct Look {
    pub(super) laplacian_variance: f32,
    pub(super) mean_luminance: f32,
    pub(super) clipped: f32,
}

/// Measures the inner three fifths of a chip.
pub(super) fn look(chip: &AlignedChip) -> Look {
    let luminance = inner_luminance(chip);
    let count = luminance.values.len().max(1) as f32;
    let sum: f32 = luminance.values.iter().map(|value| f32::from(*value)).sum();
    let clipped = luminance.values.iter().filter(|value| **value < CLIPPED.0 || **value > CLIPPED.1).count();
    Look {
        laplacian_variance: luminance.laplacian_variance(),
        mean_luminance: sum / count,
        clipped: clipped as f32 / count,
    }
}

impl Look {
    /// Detail counts by its order of magnitude, and relative to the light: a dark face shows the same detail
    /// in smaller steps.
    pub(super) fn sharpness(&self) -> f32 {
        let contrast = (self.mean_luminance / 128.0).clamp(0.25, 1.0);
        let variance = self.laplacian_variance / (contrast * contrast);
        ramp(variance.max(1e-3).log10(), 0.6, 2.4)
    }

    /// Ideal from 70 to 190; useless at 15 and 245; clipped pixels count double.
    pub(super) fn exposure(&self) -> f32 {
        let light = ramp(self.mean_luminance, 15.0, 70.0) * (1.0 - ramp(self.mean_luminance, 190.0, 245.0));
        light * (1.0 - 2.0 * self.clipped).max(0.0)
    }
}

struct Luminance {
    width: usize,
    values: Vec<u8>,
}

impl Luminance {
    /// Variance of the four-neighbour Laplacian.
    fn laplacian_variance(&self) -> f32 {
        let rows: Vec<&[u8]> = self.values.chunks_exact(self.width).collect();
        let (mut sum, mut squares, mut count) = (0.0_f64, 0.0_f64, 0.0_f64);
        for triple in rows.windows(3) {
            for x in 1..self.width.saturating_sub(1) {
                let around = [triple[0][x], triple[2][x], triple[1][x - 1], triple[1][x + 1]];
                let around: i32 = around.iter().map(|value| i32::from(*value)).sum();
                let value = f64::from(around - 4 * i32::from(triple[1][x]));
                (sum, squares, count) = (sum + value, squares + value * value, count + 1.0);
            }
        }
        let mean = sum / f64::max(count, 1.0);
        (squares / f64::max(count, 1.0) - mean * mean) as f32
    }
}

fn inner_luminance(chip: &AlignedChip) -> Luminance {
    let rim = chip.side() / RIM_SHARE;
    let inner = chip.picture().view().cropped(rim, rim, chip.side() - 2 * rim, chip.side() - 2 * rim);
    let pixels = (0..inner.height()).flat_map(|y| inner.row(y).as_chunks::<3>().0);
    Luminance { width: inner.width() as usize, values: pixels.map(luminance).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::RgbImage;

    fn chip(value: impl Fn(u32, u32) -> u8) -> AlignedChip {
        let data = (0..150).flat_map(|y| (0..150).map(move |x| (x, y))).flat_map(|(x, y)| [value(x, y); 3]).collect();
        AlignedChip::from_picture(RgbImage::from_raw(150, 150, data).unwrap()).unwrap()
    }

    #[test]
    fn light() {
        let exposure = |value| look(&chip(|_, _| value)).exposure();
        assert_eq!(exposure(120), 1.0);
        assert!(exposure(40) < 0.6 && exposure(40) > 0.2);
        assert_eq!(exposure(5), 0.0);
        assert_eq!(exposure(250), 0.0);
        let half_white = look(&chip(|x, _| if x < 75 { 255 } else { 100 }));
        assert!((half_white.clipped - 0.5).abs() < 0.02 && half_white.exposure() < 0.1);
    }

    #[test]
    fn detail() {
        let flat = look(&chip(|_, _| 120));
        assert_eq!((flat.laplacian_variance, flat.sharpness()), (0.0, 0.0));
        let smooth = look(&chip(|x, y| (x + y / 2) as u8)).sharpness();
        let fine = look(&chip(|x, y| 100 + 40 * ((x / 2 + y / 2) % 2) as u8)).sharpness();
        assert!(smooth < 0.2 && fine > 0.9, "{smooth} {fine}");
    }
}
