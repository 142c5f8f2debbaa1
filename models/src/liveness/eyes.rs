//! How open the eyes are: iris and lashes are darker than the lid that covers them in a blink.

use crate::align::AlignedChip;
use crate::layout::{Area, Layout, luminance};

/// The opening of an eye, around the eye's own point, in face coordinates.
const HALF: (f32, f32) = (0.17, 0.11);
/// Skin below the eye, by which the light is judged.
const SKIN: ((f32, f32), (f32, f32)) = ((-0.15, 0.15), (0.26, 0.4));

/// Darkness of the eyes' openings beside the skin below, 0 (none) to 1; the mean of both eyes. Comparable only
/// between looks at one face.
pub(super) fn darkness(chip: &AlignedChip, layout: &Layout) -> f32 {
    let eye = |x: f32| {
        let around = |(low, high): (f32, f32)| (x + low, x + high);
        let skin = layout.area(around(SKIN.0), SKIN.1, chip.side());
        let opening = layout.area(around((-HALF.0, HALF.0)), (-HALF.1, HALF.1), chip.side());
        beside(chip, &opening, mean(chip, &skin).max(1.0))
    };
    f32::midpoint(eye(-0.5), eye(0.5))
}

fn mean(chip: &AlignedChip, area: &Area) -> f32 {
    let (sum, count) =
        area.pixels(chip).fold((0.0, 0.0), |(sum, count), pixel| (sum + f32::from(luminance(pixel)), count + 1.0));
    sum / count
}

fn beside(chip: &AlignedChip, area: &Area, skin: f32) -> f32 {
    let dark = |pixel: &[u8; 3]| (1.0 - f32::from(luminance(pixel)) / skin).max(0.0);
    let (sum, count) = area.pixels(chip).fold((0.0, 0.0), |(sum, count), pixel| (sum + dark(pixel), count + 1.0));
    sum / count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::samples::{chip, template};

    #[test]
    fn closing_lids_lighten_the_eyes() {
        let open = |rows: u32| {
            let face = chip(|x, y| {
                let eye = |centre: u32| x.abs_diff(centre) < 6 && y.abs_diff(47) < rows;
                [if eye(47) || eye(101) { 40 } else { 160 }; 3]
            });
            darkness(&face, &Layout::of(&template()))
        };
        let closing = [open(5), open(3), open(1), open(0)];
        assert!(closing.windows(2).all(|pair| pair[0] > pair[1] + 0.02), "{closing:?}");
        assert_eq!(closing[3], 0.0);
    }
}
