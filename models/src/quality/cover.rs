//! Whether something covers the face: what can honestly be told from a chip.
//!
//! Faces look alike in a few ways: the lower face has the colour and light of the cheeks, the mouth draws a line
//! across it, and eyes are small dark spots with light around them. A mask or scarf breaks the first two, dark
//! glasses the third. A hand is skin itself and is mostly not seen; neither is a covering of the face's own colour
//! that has a fold where the mouth would be. How far this goes is measured in `docs/quality.md`.

use super::ramp;
use crate::align::AlignedChip;
use crate::layout::{Area, Layout, luminance};

/// Skin that is rarely covered: below the eyes, beside the nose, on both sides; in face coordinates.
const CHEEKS: [Window; 2] = [((-0.62, -0.3), (0.28, 0.5)), ((0.3, 0.62), (0.28, 0.5))];
/// What a mask covers.
const LOWER_FACE: Window = ((-0.5, 0.5), (0.78, 1.4));
/// Where the line between the lips runs.
const MOUTH: Window = ((-0.32, 0.32), (0.85, 1.3));
/// How far above and below a line its surroundings are, in face coordinates.
const LINE_REACH: f32 = 0.055;
/// What glasses cover.
const EYES: [Window; 2] = [((-0.78, -0.24), (-0.14, 0.2)), ((0.24, 0.78), (-0.14, 0.2))];
/// What belongs to the dark of an eye is at most this share of the cheek's light brighter than its darkest tenth.
const DARK_WITHIN: f32 = 0.2;
/// What the mouth's line counts for beside colour and light: beards and shadows change those, not the line.
const LINE_SHARE: f32 = 0.6;

type Window = ((f32, f32), (f32, f32));

/// What the regions look like beside each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cover {
    /// Distance of colour between lower face and cheeks, in units of chroma (0 to about 200).
    lower_colour: f32,
    /// Light of the lower face over that of the cheeks.
    lower_light: f32,
    /// How much darker or brighter the mouth's clearest line is than what is above and below it, as a share of
    /// the light there.
    mouth_line: f32,
    /// Share of the eyes' regions about as dark as their darkest tenth: the lesser of the two.
    eye_dark_share: f32,
}

impl Cover {
    pub(super) fn measure(chip: &AlignedChip, layout: &Layout) -> Self {
        let area = |(x, y): Window| layout.area(x, y, chip.side());
        let look = |window: Window| Look::of(chip, &area(window));
        let cheeks = CHEEKS.map(look);
        let cheek_light = cheeks[0].light.max(cheeks[1].light).max(1.0);
        let lower = look(LOWER_FACE);
        let reach = (layout.place(0.0, LINE_REACH).y - layout.place(0.0, 0.0).y).round().max(1.0) as usize;
        let dark_shares = EYES.map(|eye| dark_share(chip, &area(eye), DARK_WITHIN * cheek_light));
        Self {
            lower_colour: cheeks.iter().map(|cheek| cheek.colour_distance(&lower)).fold(f32::INFINITY, f32::min),
            lower_light: lower.light / cheek_light,
            mouth_line: line(chip, &area(MOUTH), reach),
            eye_dark_share: dark_shares[0].min(dark_shares[1]),
        }
    }

    /// How free the mouth is, 0 to 1.
    pub(super) fn mouth(&self) -> f32 {
        let colour = 1.0 - ramp(self.lower_colour, 10.0, 24.0);
        let light = 1.0 - ramp(self.lower_light.max(0.01).log2().abs(), 0.7, 1.6);
        LINE_SHARE * ramp(self.mouth_line, 0.02, 0.08) + (1.0 - LINE_SHARE) * colour * light
    }

    /// How free the eyes are, 0 to 1.
    pub(super) fn eyes(&self) -> f32 {
        1.0 - ramp(self.eye_dark_share, 0.6, 0.85)
    }
}

/// One region.
struct Look {
    light: f32,
    blueness: f32,
    redness: f32,
}

impl Look {
    fn of(chip: &AlignedChip, area: &Area) -> Self {
        let mut lights: Vec<u8> = area.pixels(chip).map(luminance).collect();
        let middle = lights.len() / 2;
        let light = f32::from(*lights.select_nth_unstable(middle).1);
        let (blueness, redness) = chroma(chip, area);
        Self { light, blueness, redness }
    }

    fn colour_distance(&self, other: &Self) -> f32 {
        (self.blueness - other.blueness).hypot(self.redness - other.redness)
    }
}

/// The share of a region within `reach` of its darkest tenth.
fn dark_share(chip: &AlignedChip, area: &Area, reach: f32) -> f32 {
    let mut lights: Vec<u8> = area.pixels(chip).map(luminance).collect();
    let tenth = lights.len() / 10;
    let limit = f32::from(*lights.select_nth_unstable(tenth).1) + reach;
    lights.iter().filter(|light| f32::from(**light) <= limit).count() as f32 / lights.len() as f32
}

/// The clearest level line of a region against what is `reach` rows above and below.
fn line(chip: &AlignedChip, area: &Area, reach: usize) -> f32 {
    let width = area.right - area.left;
    let lights: Vec<f32> = area.pixels(chip).map(|pixel| f32::from(luminance(pixel))).collect();
    let rows: Vec<f32> = lights.chunks_exact(width).map(|row| row.iter().sum::<f32>() / width as f32).collect();
    let light = rows.iter().sum::<f32>() / rows.len() as f32;
    let against = |window: &[f32]| (window[0] + window[2 * reach] - 2.0 * window[reach]).abs();
    rows.windows(2 * reach + 1).map(against).fold(0.0, f32::max) / light.max(1.0)
}

/// Mean colour without the light: blue and red against luminance, as if the region had luminance 128.
fn chroma(chip: &AlignedChip, area: &Area) -> (f32, f32) {
    let (mut light, mut blue, mut red) = (0.0_f32, 0.0_f32, 0.0_f32);
    for pixel in area.pixels(chip) {
        light += f32::from(luminance(pixel));
        red += f32::from(pixel[0]);
        blue += f32::from(pixel[2]);
    }
    let scale = 128.0 / light.max(1.0);
    ((blue - light) * scale, (red - light) * scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::samples::{chip, template};

    const SKIN: [u8; 3] = [200, 150, 120];
    const EYE: [u8; 3] = [60, 40, 30];

    fn face(covered: impl Fn(u32, u32) -> Option<[u8; 3]>) -> Cover {
        let draw = |x: u32, y: u32| {
            let eye = |centre: u32| x.abs_diff(centre) < 9 && y.abs_diff(47) < 4;
            let lips = x.abs_diff(74) < 18 && y.abs_diff(105) < 2;
            covered(x, y).unwrap_or(if eye(47) || eye(101) || lips { EYE } else { SKIN })
        };
        Cover::measure(&chip(draw), &Layout::of(&template()))
    }

    #[test]
    fn a_bare_face_is_free() {
        let bare = face(|_, _| None);
        assert!(bare.mouth() > 0.95 && bare.eyes() > 0.95, "{bare:?}");
    }

    #[test]
    fn masks_and_sunglasses_cover() {
        let masked = face(|_, y| (y > 75).then_some([150, 190, 220]));
        assert!(masked.mouth() < 0.1 && masked.eyes() > 0.95, "{masked:?}");
        let shaded = face(|x, y| (y.abs_diff(49) < 13 && x.abs_diff(74) > 8).then_some([20, 20, 22]));
        assert!(shaded.eyes() < 0.1 && shaded.mouth() > 0.95, "{shaded:?}");
    }

    #[test]
    fn a_beard_leaves_the_mouth_visible_and_a_dim_face_its_eyes() {
        let bearded = face(|x, y| (y > 90 && !(x.abs_diff(74) < 18 && y.abs_diff(105) < 8)).then_some([60, 50, 45]));
        assert!(bearded.mouth() > 0.5, "{bearded:?}");
        let dim = Cover::measure(
            &chip(|x, y| {
                let eye = |centre: u32| x.abs_diff(centre) < 9 && y.abs_diff(47) < 4;
                if eye(47) || eye(101) { [9, 6, 5] } else { [30, 22, 18] }
            }),
            &Layout::of(&template()),
        );
        assert!(dim.eyes() > 0.9, "{dim:?}");
    }
}
