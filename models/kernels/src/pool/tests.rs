use super::*;
use crate::testing::{assert_close, available, noise};
use proptest::prelude::*;

fn check(isa: Isa, pooling: Pooling, size: Size, channels: usize, side: usize, stride: usize) {
    let width = (size.width - 1) * stride + side;
    let row = width * channels;
    let input = noise(((size.height - 1) * stride + side) * row, 1);
    let grid = Grid { origin: 0, row: stride * row, step: stride * channels };
    let targets = Grid::packed(size.width, channels);
    let mut output = vec![f32::NAN; targets.end(size, channels)];
    pool(isa, pooling, size, Pooled { values: &input, grid, row, channels, side }, &mut output, targets);
    let mut expected = Vec::new();
    for (y, x) in (0..size.height).flat_map(|y| (0..size.width).map(move |x| (y, x))) {
        for c in 0..channels {
            let place = |at: usize| grid.at(x, y) + at / side * row + at % side * channels + c;
            let values = (0..side * side).map(|at| f64::from(input[place(at)]));
            expected.push(match pooling {
                Pooling::Max => values.fold(f64::NEG_INFINITY, f64::max),
                Pooling::Mean => values.sum::<f64>() / (side * side) as f64,
            });
        }
    }
    assert_close(&output, &expected, 1e-6, &format!("{isa:?} {pooling:?} {size:?} {channels}"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_path_pools(
        width in 1..6usize, height in 1..5usize, eights in 1..6usize, side in 1..4usize, stride in 1..4usize,
    ) {
        for (isa, pooling) in available().flat_map(|isa| [(isa, Pooling::Max), (isa, Pooling::Mean)]) {
            check(isa, pooling, Size { width, height }, 8 * eights, side, stride);
        }
    }
}
