//! How the light falls on a face, from the histogram of its chip.

use crate::align::AlignedChip;
use crate::layout::{Layout, luminance};

/// The face itself, without hair and background, in face coordinates.
const FACE: ((f32, f32), (f32, f32)) = ((-0.75, 0.75), (-0.4, 1.45));
/// The two sides compared: cheek and brow, without the middle, whose shadows do not tell the light's side.
const SIDES: [((f32, f32), (f32, f32)); 2] = [((-0.8, -0.12), (-0.35, 1.2)), ((0.12, 0.8), (-0.35, 1.2))];
/// At or below this a pixel shows nothing but darkness, at or above the second nothing but light
/// (ISO/IEC 29794-5 counts the same ranges).
const DARK_UP_TO: usize = 25;
const LIGHT_FROM: usize = 247;
/// Bins of the histograms compared between the sides.
const COARSE_BINS: usize = 32;

/// Measured on the face in a chip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Light {
    /// Share of the face that is not dark beyond use, 0 to 1.
    pub(super) under_exposure: f32,
    /// Share of the face that is not bright beyond use, 0 to 1.
    pub(super) over_exposure: f32,
    /// Entropy of the luminance in bits, 0 to 8.
    pub(super) dynamic_range: f32,
    /// How much the histograms of the face's two sides overlap, 0 (light from one side) to 1.
    pub(super) uniformity: f32,
}

impl Light {
    pub(super) fn measure(chip: &AlignedChip, layout: &Layout) -> Self {
        let whole = histogram(chip, layout, FACE);
        let share = |bins: &[f32]| bins.iter().sum::<f32>();
        Self {
            under_exposure: 1.0 - share(&whole[..=DARK_UP_TO]),
            over_exposure: 1.0 - share(&whole[LIGHT_FROM..]),
            dynamic_range: entropy(&whole),
            uniformity: overlap(SIDES.map(|side| coarse(&histogram(chip, layout, side)))),
        }
    }
}

/// Shares of the 256 luminances.
fn histogram(chip: &AlignedChip, layout: &Layout, (x, y): ((f32, f32), (f32, f32))) -> [f32; 256] {
    let mut counts = [0.0; 256];
    let mut total = 0.0;
    for pixel in layout.area(x, y, chip.side()).pixels(chip) {
        counts[usize::from(luminance(pixel))] += 1.0;
        total += 1.0;
    }
    counts.map(|count| count / total)
}

fn entropy(shares: &[f32; 256]) -> f32 {
    shares.iter().filter(|share| **share > 0.0).map(|share| -share * share.log2()).sum()
}

/// Fewer bins, each blended with its neighbours: a small difference must not count as none in common.
fn coarse(fine: &[f32; 256]) -> [f32; COARSE_BINS] {
    let width = fine.len() / COARSE_BINS;
    let sums: [f32; COARSE_BINS] = std::array::from_fn(|bin| fine[bin * width..(bin + 1) * width].iter().sum());
    std::array::from_fn(|bin| {
        let at = |bin: usize| sums.get(bin).copied().unwrap_or(0.0);
        0.5 * sums[bin] + 0.25 * (at(bin.wrapping_sub(1)) + at(bin + 1))
    })
}

fn overlap([one, other]: [[f32; COARSE_BINS]; 2]) -> f32 {
    one.iter().zip(&other).map(|(a, b)| a.min(*b)).sum::<f32>().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::samples::{chip, template};

    fn light(value: impl Fn(u32, u32) -> u8) -> Light {
        Light::measure(&chip(|x, y| [value(x, y); 3]), &Layout::of(&template()))
    }

    #[test]
    fn exposure_counts_the_ends_of_the_range() {
        let fine = light(|x, y| (60 + x / 2 + y / 3) as u8);
        assert_eq!((fine.under_exposure, fine.over_exposure), (1.0, 1.0));
        assert!(light(|_, _| 10).under_exposure == 0.0 && light(|_, _| 252).over_exposure == 0.0);
        let half = light(|x, _| if x < 74 { 5 } else { 120 });
        assert!((half.under_exposure - 0.5).abs() < 0.02, "{half:?}");
    }

    #[test]
    fn dynamic_range_is_in_bits() {
        assert_eq!(light(|_, _| 90).dynamic_range, 0.0);
        let two = light(|x, _| if x % 2 == 0 { 90 } else { 140 });
        assert!((two.dynamic_range - 1.0).abs() < 0.01, "{two:?}");
    }

    #[test]
    fn light_from_one_side_is_less_uniform() {
        let side = |slope: f32| light(|x, y| (110.0 + (x as f32 - 74.0) * slope + (y % 7) as f32) as u8).uniformity;
        let falling = [side(0.0), side(0.3), side(0.8), side(1.4)];
        assert!(falling.windows(2).all(|pair| pair[0] > pair[1]), "{falling:?}");
        assert!(falling[0] > 0.95 && falling[3] < 0.2, "{falling:?}");
    }
}
