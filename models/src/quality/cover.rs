//! Whether something covers the face: what can honestly be told from a chip.
//!
//! Skin, lips and eyes look alike on every face in a few ways: the lower face has the colour and light of the
//! upper cheeks, the mouth draws a line across it, and eyes are small dark spots with light around them. A mask or
//! scarf breaks the first two, sunglasses the third. A hand is skin itself and is mostly not seen; neither is a
//! covering of the face's own colour. How far this goes is measured in `docs/quality.md`.

use super::ramp;
use crate::align::AlignedChip;
use crate::layout::{Area, Layout, luminance};

/// Skin that is rarely covered: below the eyes, beside the nose, on both sides; in face coordinates.
const CHEEKS: [Window; 2] = [((-0.62, -0.3), (0.28, 0.5)), ((0.3, 0.62), (0.28, 0.5))];
/// What a mask covers.
const LOWER_FACE: Window = ((-0.5, 0.5), (0.78, 1.4));
/// What glasses cover.
const EYES: [Window; 2] = [((-0.78, -0.24), (-0.14, 0.2)), ((0.24, 0.78), (-0.14, 0.2))];

type Window = ((f32, f32), (f32, f32));

/// What the regions look like beside each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cover {
    /// Distance of colour between lower face and cheeks, in units of chroma (0 to about 200).
    pub(super) lower_colour: f32,
    /// Light of the lower face over that of the cheeks.
    pub(super) lower_light: f32,
    /// Light of the eyes' surroundings over that of the cheeks: the less bright eye region of the two.
    pub(super) eye_light: f32,
    /// Share of the eyes' regions about as dark as their darkest tenth.
    pub(super) eye_dark_share: f32,
}

impl Cover {
    pub(super) fn measure(chip: &AlignedChip, layout: &Layout) -> Self {
        let look = |(x, y): Window| Look::of(chip, &layout.area(x, y, chip.side()));
        let cheeks = CHEEKS.map(look);
        let cheek_light = cheeks[0].light.max(cheeks[1].light).max(1.0);
        let lower = look(LOWER_FACE);
        let eyes = EYES.map(look);
        Self {
            lower_colour: cheeks.iter().map(|cheek| cheek.colour_distance(&lower)).fold(f32::INFINITY, f32::min),
            lower_light: lower.light / cheek_light,
            eye_light: eyes[0].light.max(eyes[1].light) / cheek_light,
            eye_dark_share: eyes[0].dark_share.min(eyes[1].dark_share),
        }
    }

    /// How free the mouth is, 0 to 1.
    pub(super) fn mouth(&self) -> f32 {
        let colour = 1.0 - ramp(self.lower_colour, 10.0, 24.0);
        let light = 1.0 - ramp(self.lower_light.max(0.01).log2().abs(), 0.7, 1.6);
        colour * light
    }

    /// How free the eyes are, 0 to 1.
    pub(super) fn eyes(&self) -> f32 {
        let light = ramp(self.eye_light, 0.3, 0.5);
        let spots = 1.0 - ramp(self.eye_dark_share, 0.5, 0.8);
        light.max(spots)
    }
}

/// One region.
struct Look {
    light: f32,
    blueness: f32,
    redness: f32,
    dark_share: f32,
}

impl Look {
    fn of(chip: &AlignedChip, area: &Area) -> Self {
        let mut lights: Vec<u8> = area.pixels(chip).map(luminance).collect();
        let tenth = lights.len() / 10;
        let (_, dark, _) = lights.select_nth_unstable(tenth);
        let limit = dark.saturating_add(25);
        let dark_share = lights.iter().filter(|light| **light <= limit).count() as f32 / lights.len() as f32;
        let middle = lights.len() / 2;
        let light = f32::from(*lights.select_nth_unstable(middle).1);
        let (blueness, redness) = chroma(chip, area);
        Self { light, blueness, redness, dark_share }
    }

    fn colour_distance(&self, other: &Self) -> f32 {
        (self.blueness - other.blueness).hypot(self.redness - other.redness)
    }
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
            let eye = |centre: u32| x.abs_diff(centre) < 6 && y.abs_diff(47) < 3;
            covered(x, y).unwrap_or(if eye(47) || eye(101) { EYE } else { SKIN })
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
}
