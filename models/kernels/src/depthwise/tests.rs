use super::*;
use crate::testing::{assert_close, available, noise};
use proptest::prelude::*;

fn check(isa: Isa, width: usize, height: usize, channels: usize, stride: usize) {
    let (input_width, input_height) = ((width - 1) * stride + 3, (height - 1) * stride + 3);
    let padded = rounded(channels);
    let input = noise(input_width * input_height * padded, 1);
    let (weights, bias) = (noise(9 * channels, 2), noise(channels, 3));
    let layer = Depthwise::new(isa, &weights, &bias);
    let row = input_width * padded;
    let grid = Grid { origin: 0, row: stride * row, step: stride * padded };
    let mut output = vec![f32::NAN; width * height * padded];
    layer.run(Size { width, height }, Patches { values: &input, grid, row }, &mut output);
    let mut expected = Vec::new();
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        for c in 0..padded {
            let place = |at: usize| grid.at(x, y) + at / 3 * row + at % 3 * padded + c;
            let product = |at: usize| f64::from(input[place(at)]) * f64::from(weights[9 * c + at]);
            expected.push(if c < channels { f64::from(bias[c]) + (0..9).map(product).sum::<f64>() } else { 0.0 });
        }
    }
    assert_close(&output, &expected, 1e-6, &format!("{isa:?} {width}x{height}x{channels} by {stride}"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn every_path_computes_the_convolution(
        width in 1..15usize, height in 1..5usize, channels in 1..70usize, stride in 1..4usize,
    ) {
        for isa in available() {
            check(isa, width, height, channels, stride);
        }
    }
}
