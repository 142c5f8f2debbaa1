use super::*;
use crate::testing::{assert_close, available, noise};
use proptest::prelude::*;

/// A 2-d convolution over channels as one would write it down, in f64: `[outputs][side][side][channels]` weights.
fn naive(case: &Case, input: &[f32], weights: &[f32], bias: &[f32], shortcut: Option<&[f32]>) -> Vec<f64> {
    let (width, channels) = (case.input_width(), case.channels);
    let mut output = Vec::new();
    for (y, x) in (0..case.height).flat_map(|y| (0..case.width).map(move |x| (y, x))) {
        for o in 0..case.outputs {
            let mut sum = f64::from(bias[o]);
            for (ky, kx) in (0..case.side).flat_map(|ky| (0..case.side).map(move |kx| (ky, kx))) {
                let pixel = ((y * case.stride + ky) * width + x * case.stride + kx) * channels;
                let filter = ((o * case.side + ky) * case.side + kx) * channels;
                for c in 0..channels {
                    sum += f64::from(input[pixel + c]) * f64::from(weights[filter + c]);
                }
            }
            let pixel = (y * case.width + x) * rounded(case.outputs);
            sum += shortcut.map_or(0.0, |shortcut| f64::from(shortcut[pixel + o]));
            output.push(if case.relu { sum.max(0.0) } else { sum });
        }
    }
    output
}

#[derive(Clone, Debug)]
struct Case {
    width: usize,
    height: usize,
    channels: usize,
    outputs: usize,
    side: usize,
    stride: usize,
    relu: bool,
    shortcut: bool,
}

impl Case {
    fn input_width(&self) -> usize {
        (self.width - 1) * self.stride + self.side
    }

    fn check(&self, isa: Isa) {
        let run = self.side * self.channels;
        let rows = (self.height - 1) * self.stride + self.side;
        let input = noise(rows * self.input_width() * self.channels, 1);
        let weights = noise(self.outputs * self.side * run, 2);
        let bias = noise(self.outputs, 3);
        let dense = Dense::new(isa, &weights, &bias, self.side, run);
        let targets = Grid::packed(self.width, dense.outputs());
        let size = Size { width: self.width, height: self.height };
        let added = noise(targets.end(size, dense.outputs()), 4);
        let row = self.input_width() * self.channels;
        let grid = Grid { origin: 0, row: self.stride * row, step: self.stride * self.channels };
        let runs: Vec<usize> = (0..self.side).map(|y| y * row).collect();
        let mut values = vec![f32::NAN; added.len()];
        let floor = if self.relu { 0.0 } else { f32::NEG_INFINITY };
        let mut target = Target { values: &mut values, grid: targets, floor };
        let shortcut = self.shortcut.then_some(Shortcut { values: &added, grid: targets });
        dense.run(size, Windows { values: &input, grid, runs: &runs }, &mut target, shortcut);
        let found: Vec<f32> =
            values.chunks_exact(dense.outputs()).flat_map(|pixel| pixel[..self.outputs].to_vec()).collect();
        let expected = naive(self, &input, &weights, &bias, self.shortcut.then_some(&added));
        assert_close(&found, &expected, 3e-5, &format!("{isa:?} {self:?}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_path_computes_the_convolution(
        width in 1..15usize, height in 1..5usize, channels in 1..20usize, outputs in 1..80usize,
        side in 1..4usize, stride in 1..3usize, relu: bool, shortcut: bool,
    ) {
        let case = Case { width, height, channels, outputs, side, stride, relu, shortcut };
        for isa in available() {
            case.check(isa);
        }
    }
}

#[test]
fn shapes_of_the_nets() {
    let case = |width, channels, outputs, side, stride| Case {
        width,
        height: 3,
        channels,
        outputs,
        side,
        stride,
        relu: true,
        shortcut: side == 3,
    };
    for case in [case(13, 3, 32, 7, 2), case(32, 384, 96, 1, 1), case(1, 256, 128, 1, 1), case(7, 64, 48, 3, 1)] {
        for isa in available() {
            case.check(isa);
        }
    }
}

/// Large layers of half-precision weights are kept in half the bytes and give the same.
#[test]
fn weights_of_half_precision_are_kept_as_such() {
    let (outputs, inputs) = (136, 2048);
    let weights: Vec<f32> = noise(outputs * inputs, 2).iter().map(|w| half::f16::from_f32(*w).to_f32()).collect();
    let (input, bias) = (noise(5 * inputs, 1), noise(outputs, 3));
    for isa in available() {
        let halves = Dense::new(isa, &weights, &bias, 1, inputs);
        let mut odd = weights.clone();
        odd[7] += 1e-6;
        let whole = Dense::new(isa, &odd, &bias, 1, inputs);
        let kept = if crate::simd::has_halves(isa) { 2 } else { 4 };
        assert_eq!(halves.size_bytes(), kept * weights.len() + 4 * outputs, "{isa:?}");
        assert_eq!(whole.size_bytes(), 4 * (weights.len() + outputs), "{isa:?}");
        let [a, b] = [halves, whole].map(|layer| {
            let mut values = vec![0.0; 5 * outputs];
            let target = &mut Target { values: &mut values, grid: Grid::packed(5, outputs), floor: f32::NEG_INFINITY };
            let grid = Grid::packed(5, inputs);
            layer.run(Size { width: 5, height: 1 }, Windows { values: &input, grid, runs: &[0] }, target, None);
            values
        });
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-4), "{isa:?}");
    }
}

#[test]
#[should_panic(expected = "windows lie within the input")]
fn a_window_beyond_the_input_is_refused() {
    let dense = Dense::new(Isa::Scalar, &[0.0; 64], &[0.0; 8], 1, 8);
    let mut values = [0.0; 64];
    let target = &mut Target { values: &mut values, grid: Grid::packed(8, 8), floor: 0.0 };
    let input = Windows { values: &[0.0; 63], grid: Grid::packed(8, 8), runs: &[0] };
    dense.run(Size { width: 8, height: 1 }, input, target, None);
}
