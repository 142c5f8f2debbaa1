//! A layer's weights in the order the inner loop reads them.

use half::f16;

use crate::Isa;
use crate::simd::has_halves;

/// From this many values on a layer waits for its weights rather than for its multiplications: they come from
/// beyond the near caches, and few pixels share them.
const HALVED_FROM: usize = 1 << 18;

/// For each group of outputs computed at once, their weights for each input value in turn.
pub(super) enum Packed {
    /// As they are.
    Whole(Vec<f32>),
    /// In half the bytes, of a large layer whose weights all are numbers of half precision.
    Halves(Vec<f16>),
}

impl Packed {
    /// `weights`: `inputs` values for each output; `outputs`: their number, rounded up.
    pub(super) fn new(isa: Isa, weights: &[f32], inputs: usize, outputs: usize) -> Self {
        let place = |n: usize| {
            let (output, input) = (n / inputs, n % inputs);
            let (first, width) = group(isa, outputs, output);
            first * inputs + input * width + output - first
        };
        let fits = |weight: &f32| f16::from_f32(*weight).to_f32() == *weight;
        if has_halves(isa) && weights.len() >= HALVED_FROM && weights.iter().all(fits) {
            let mut packed = vec![f16::ZERO; outputs * inputs];
            weights.iter().enumerate().for_each(|(n, weight)| packed[place(n)] = f16::from_f32(*weight));
            return Self::Halves(packed);
        }
        let mut packed = vec![0.0; outputs * inputs];
        weights.iter().enumerate().for_each(|(n, weight)| packed[place(n)] = *weight);
        Self::Whole(packed)
    }

    pub(super) const fn size_bytes(&self) -> usize {
        match self {
            Self::Whole(values) => 4 * values.len(),
            Self::Halves(values) => 2 * values.len(),
        }
    }
}

/// The group of outputs an output is computed in: the first of it, and how many.
fn group(isa: Isa, outputs: usize, output: usize) -> (usize, usize) {
    let lanes = match isa {
        Isa::Avx512 => 16,
        Isa::Avx2 => 8,
        Isa::Scalar | Isa::Sse2 | Isa::Neon => 4,
    };
    let mut first = 0;
    for width in [2 * lanes, lanes, lanes / 2] {
        let groups = (outputs - first) / width;
        if output < first + groups * width {
            return (first + (output - first) / width * width, width);
        }
        first += groups * width;
    }
    (first, 0)
}
