//! Rows in a quarter of their bytes, with a proof of how far they may be off.
//!
//! A row `x` is written as `x = m + s c + e`: `m` the index's centre (no code has to be spent on what all rows have
//! in common), `c` whole numbers from -127 to 127, `s` the row's scale, `e` what is left. A probe `q` is written as
//! `q = t p + f` with 16-bit whole numbers `p`. Then
//!
//! ```text
//! q.x = q.m + s t (p.c) + s (f.c) + q.e
//! |q.x - q.m - s t (p.c)| <= |f| |s c| + |q| |e|                     (Cauchy-Schwarz, twice)
//! ```
//!
//! `|e|` is measured for each row as it is coded, not assumed, so the way a value is rounded does not matter.
//! `p.c` is computed exactly in 32 bits ([`ostiary_kernels::search::probe_max`]). The kernel then evaluates
//! `s t (p.c) + |q| |e|` in f32 with six roundings at most; each is off by at most 2^-24 of a number not above
//! `(|s c| + |e|) |q|` and a little. [`CodedProbe::slack`] covers those, `|f| |s c|`, and the roundings of the f64
//! arithmetic around, with room to spare. So [`CodedProbe::ceiling`] is never below the true inner product, and a row
//! whose ceiling lies below what is held already can be left unread.

use ostiary_kernels::Isa;
use ostiary_kernels::search::{CODE_MAX, CODE_ZERO, Probe, dot, probe_max};

/// Added to norms measured in f64 before they become f32, so that they are bounds.
const NORM_ROOM: f64 = 1.0 + 1e-6;
/// Room for sixteen roundings of f32, as a share of the largest value that takes part.
const F32_ROOM: f64 = 16.0 / (1_u64 << 24) as f64;
/// Room for the roundings of f64 sums, and for numbers too small for f32 to round fairly.
const F64_ROOM: f64 = 1e-10;

/// How a row was coded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct CodedRow {
    /// What a unit of the row's codes is worth.
    pub scale: f32,
    /// At least the norm of what the codes leave out; infinite for a row that is no vector of finite numbers,
    /// which is then always looked at itself.
    pub error: f32,
    /// At least the norm of what the codes stand for.
    pub reach: f64,
}

impl CodedRow {
    /// A place in a block that holds no row: its ceiling is below everything.
    pub(super) const NONE: Self = Self { scale: 0.0, error: f32::NEG_INFINITY, reach: 0.0 };

    const UNBOUNDED: Self = Self { scale: 0.0, error: f32::INFINITY, reach: 0.0 };

    /// Codes `row`, handing each code to `write` in order.
    pub(super) fn of(row: &[f32], centre: &[f32], mut write: impl FnMut(usize, u8)) -> Self {
        let most = row.iter().zip(centre).map(|(x, m)| (x - m).abs()).fold(0.0, f32::max);
        // A sum finds what `max` passes over: values that are not numbers.
        let finite = row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() < f64::from(f32::MAX);
        if !finite || most > f32::MAX / 4.0 {
            return Self::UNBOUNDED;
        }
        let scale = (most / CODE_MAX as f32).max(f32::MIN_POSITIVE);
        let inverse = 1.0 / scale;
        let (mut rest_square, mut coded_square) = (0.0_f64, 0.0_f64);
        for (at, (x, m)) in row.iter().zip(centre).enumerate() {
            let code = ((x - m) * inverse + (f32::from(CODE_ZERO) + 0.5)).clamp(1.0, 255.0) as u8;
            let coded = f64::from(scale) * (f64::from(code) - f64::from(CODE_ZERO));
            rest_square += (f64::from(*x) - f64::from(*m) - coded).powi(2);
            coded_square += coded * coded;
            write(at, code);
        }
        let error = (rest_square.sqrt() * NORM_ROOM) as f32 + f32::MIN_POSITIVE;
        Self { scale, error, reach: coded_square.sqrt() * NORM_ROOM }
    }
}

/// A probe, coded for one index.
pub(super) struct CodedProbe<'a> {
    pub isa: Isa,
    /// The probe itself.
    pub exact: &'a [f32],
    /// Its codes.
    pub codes: Probe,
    /// What a unit of the codes is worth.
    pub scale: f32,
    /// At least its norm.
    pub norm: f32,
    /// At least the norm of what its codes leave out.
    error: f64,
    /// Its inner product with the index's centre.
    to_centre: f64,
}

impl<'a> CodedProbe<'a> {
    /// Codes a probe of the centre's dimension; its values are finite.
    pub(super) fn new(isa: Isa, exact: &'a [f32], centre: &[f32]) -> Self {
        let limit = probe_max(exact.len());
        let most = exact.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        let scale = (most / f32::from(limit)).max(f32::MIN_POSITIVE);
        let code = |value: &f32| (value / scale).round().clamp(-f32::from(limit), f32::from(limit)) as i16;
        let codes: Vec<i16> = exact.iter().map(code).collect();
        let rest = |(value, code): (&f32, &i16)| f64::from(*value) - f64::from(scale) * f64::from(*code);
        let error = exact.iter().zip(&codes).map(|pair| rest(pair).powi(2)).sum::<f64>().sqrt() * NORM_ROOM;
        let norm = (dot(isa, exact, exact).sqrt() * NORM_ROOM) as f32;
        let to_centre = dot(isa, exact, centre);
        Self { isa, exact, codes: Probe::new(&codes), scale, norm, error, to_centre }
    }

    /// How far a bound computed by the kernel may be off for rows of at most this reach and error.
    pub(super) fn slack(&self, reach: f64, error: f64) -> f64 {
        let largest = (reach + error) * (f64::from(self.norm) + self.error);
        self.error * reach + F32_ROOM * largest + F64_ROOM * (1.0 + largest + self.to_centre.abs())
    }

    /// The true inner product is not above this, given the kernel's bound and the slack.
    pub(super) fn ceiling(&self, bound: f32, slack: f64) -> f64 {
        f64::from(bound) + self.to_centre + slack
    }

    /// The true inner product is not below this, given the row's error as well.
    pub(super) fn floor(&self, bound: f32, error: f32, slack: f64) -> f64 {
        f64::from(bound) - 2.0 * f64::from(error) * f64::from(self.norm) + self.to_centre - slack
    }

    /// A kernel's bound below this cannot have a ceiling of `floor` or more.
    pub(super) fn cut(&self, floor: f64, slack: f64) -> f32 {
        ((floor - self.to_centre - slack) as f32).next_down()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ostiary_kernels::search::{BLOCK_ROWS, CodeLine, CodedRows, GROUP, lines_a_block, upper_bounds};
    use proptest::prelude::*;

    /// The kernel's bound of one row, with how it was coded.
    fn bound(probe: &CodedProbe<'_>, row: &[f32], centre: &[f32]) -> (f32, CodedRow) {
        let mut lines = vec![CodeLine::ZERO; lines_a_block(row.len())];
        let coded = CodedRow::of(row, centre, |at, code| lines[at / GROUP].0[at % GROUP] = code);
        let rows =
            CodedRows { lines: &lines, scales: &[[coded.scale; BLOCK_ROWS]], errors: &[[coded.error; BLOCK_ROWS]] };
        let mut bounds = [[0.0; BLOCK_ROWS]];
        upper_bounds(probe.isa, &probe.codes, rows, (probe.scale, probe.norm), &mut bounds);
        (bounds[0][0], coded)
    }

    fn check(q: &[f32], x: &[f32], centre: &[f32]) {
        let exact: f64 = q.iter().zip(x).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
            let probe = CodedProbe::new(isa, q, centre);
            let (bound, coded) = bound(&probe, x, centre);
            let slack = probe.slack(coded.reach, f64::from(coded.error));
            let (floor, ceiling) = (probe.floor(bound, coded.error, slack), probe.ceiling(bound, slack));
            assert!(floor <= exact && exact <= ceiling, "{floor} <= {exact} <= {ceiling} with {isa:?}");
            assert!(bound >= probe.cut(exact, slack), "{isa:?}: cut off");
        }
    }

    fn vector(most: f32) -> impl Strategy<Value = Vec<f32>> {
        proptest::collection::vec(-most..most, 37)
    }

    proptest! {
        #[test]
        fn the_bound_holds(q in vector(1.0), x in vector(1.0), centre in vector(0.5)) {
            check(&q, &x, &centre);
        }

        #[test]
        fn the_bound_holds_for_tiny_and_large_values(
            q in vector(1.0), x in vector(1.0), power in -30_i32..30, other in -30_i32..18,
        ) {
            let scaled = |values: &[f32], power| values.iter().map(|v| v * 2_f32.powi(power)).collect::<Vec<_>>();
            check(&scaled(&q, other), &scaled(&x, power), &[0.0; 37]);
        }

        /// The bound is of use only if it is narrow: a hundredth for unit vectors.
        #[test]
        fn the_bound_is_narrow(x in proptest::collection::vec(-1.0_f32..1.0, 128)) {
            let norm = x.iter().map(|v| v * v).sum::<f32>().sqrt();
            prop_assume!(norm > 1.0);
            let unit: Vec<f32> = x.iter().map(|v| v / norm).collect();
            prop_assert!(CodedRow::of(&unit, &[0.0; 128], |_, _| ()).error < 0.01);
        }
    }

    #[test]
    fn edges() {
        let one = |at: usize, value: f32| (0..37).map(|n| if n == at { value } else { 0.0 }).collect::<Vec<f32>>();
        check(&one(0, 1.0), &one(0, 1.0), &one(0, 0.0));
        check(&one(0, 1.0), &one(0, 1.0), &one(0, 1.0));
        check(&one(3, -1.0), &one(3, 1e-30), &one(0, 0.0));
        check(&one(3, 1e-20), &one(3, 1e-20), &one(0, 0.0));
        for odd in [f32::NAN, f32::INFINITY, f32::MAX] {
            assert_eq!(CodedRow::of(&one(1, odd), &one(0, 0.0), |_, _| ()), CodedRow::UNBOUNDED);
        }
    }
}
