use super::*;
use crate::testing::{assert_close, available, noise};
use proptest::prelude::*;

/// The value of a coarse axis at a fine place, as `Resize` with half-pixel centres has it.
fn places(fine: usize, coarse: usize) -> [(usize, f64); 2] {
    let at = ((fine as f64 + 0.5) / 2.0 - 0.5).clamp(0.0, (coarse - 1) as f64);
    let low = at.floor() as usize;
    [(low, 1.0 - at.fract()), ((low + 1).min(coarse - 1), at.fract())]
}

fn check(isa: Isa, size: Size, channels: usize) {
    let grid = Grid::packed(size.width, channels);
    let coarse = noise(grid.end(size, channels), 1);
    let fine_grid = Grid::packed(2 * size.width, channels);
    let mut fine = noise(4 * coarse.len(), 2);
    let mut expected: Vec<f64> = fine.iter().map(|value| f64::from(*value)).collect();
    for (y, x) in (0..2 * size.height).flat_map(|y| (0..2 * size.width).map(move |x| (y, x))) {
        for (near_y, weight_y) in places(y, size.height) {
            for (near_x, weight_x) in places(x, size.width) {
                for c in 0..channels {
                    let value = f64::from(coarse[grid.at(near_x, near_y) + c]);
                    expected[fine_grid.at(x, y) + c] += weight_x * weight_y * value;
                }
            }
        }
    }
    add_doubled(isa, Coarse { values: &coarse, grid, size }, &mut fine, fine_grid, channels);
    assert_close(&fine, &expected, 1e-6, &format!("{isa:?} {size:?} {channels}"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_path_doubles(width in 1..7usize, height in 1..5usize, eights in 1..6usize) {
        for isa in available() {
            check(isa, Size { width, height }, 8 * eights);
        }
    }
}
