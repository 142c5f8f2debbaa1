//! The inner loops of the search for the nearest template: [`upper_bounds`] goes through compact rows, [`dot`]
//! settles the few that are left.
//!
//! Rows are kept in blocks of [`BLOCK_ROWS`], and within a block four values of every row side by side
//! ([`CodeLine`]): each row has its own place in a vector register, so nothing has to be added up across one.
//!
//! What a kernel gives does not depend on the instruction set: integers are exact, and [`dot`] adds in one fixed
//! order (a product of two f32 is exact in f64, so it is the same with and without fused multiply-add).

mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod sse2;

#[cfg(test)]
mod tests;

use crate::Isa;

/// Rows of a block.
pub const BLOCK_ROWS: usize = 16;
/// Values of a row that lie side by side.
pub const GROUP: usize = 4;
/// A row's value as it is stored stands for itself less this.
pub const CODE_ZERO: u8 = 128;
/// The largest magnitude of a row's value.
pub const CODE_MAX: i32 = 127;
/// Running sums of [`dot`]; their number fixes the order in which is added.
const LANES: usize = 16;

/// Four values of each of the sixteen rows of a block, row by row; a value `v` in -127..=127 is stored as
/// `v + 128`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct CodeLine(pub [u8; GROUP * BLOCK_ROWS]);

impl CodeLine {
    /// Sixteen rows of zeros.
    pub const ZERO: Self = Self([CODE_ZERO; GROUP * BLOCK_ROWS]);
}

/// How many lines a block of rows of `dimension` values takes.
#[must_use]
pub const fn lines_a_block(dimension: usize) -> usize {
    dimension.div_ceil(GROUP)
}

/// The largest magnitude a probe's value may have, so that a whole inner product fits into 32 bits and the high
/// byte of every value into 8.
#[must_use]
pub fn probe_max(dimension: usize) -> i16 {
    let fits = i32::MAX as usize / (CODE_MAX as usize * dimension.max(1));
    fits.min(0x7F7F) as i16
}

/// What is looked for: 16-bit values, in the shapes the kernels want them.
#[derive(Clone, Debug)]
pub struct Probe {
    words: Vec<[i16; GROUP]>,
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "only AVX-512 VNNI multiplies bytes"))]
    bytes: Vec<Bytes>,
    /// What the rows' shift by 128 adds to every sum.
    shift: i32,
}

/// Four values as `256 * high + low`, both signed.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct Bytes {
    low: [i8; GROUP],
    high: [i8; GROUP],
}

impl Probe {
    /// Takes the values; each at most [`probe_max`] in magnitude.
    #[must_use]
    pub fn new(values: &[i16]) -> Self {
        let mut words = vec![[0; GROUP]; lines_a_block(values.len())];
        for (at, &value) in values.iter().enumerate() {
            words[at / GROUP][at % GROUP] = value;
        }
        let bytes = words.iter().map(|word| Bytes::of(*word)).collect();
        let sum: i32 = values.iter().fold(0, |sum, &value| sum.wrapping_add(i32::from(value)));
        Self { words, bytes, shift: sum.wrapping_mul(i32::from(CODE_ZERO)) }
    }
}

impl Bytes {
    fn of(word: [i16; GROUP]) -> Self {
        let low = word.map(|value| value as i8);
        let high = std::array::from_fn(|at| ((i32::from(word[at]) - i32::from(low[at])) >> 8) as i8);
        Self { low, high }
    }
}

/// Compact rows: whole blocks, and for each row what a unit of its codes is worth and how far it may be off.
#[derive(Clone, Copy, Debug)]
pub struct CodedRows<'a> {
    /// [`lines_a_block`] lines for each block.
    pub lines: &'a [CodeLine],
    /// Scale of each row.
    pub scales: &'a [[f32; BLOCK_ROWS]],
    /// Error of each row.
    pub errors: &'a [[f32; BLOCK_ROWS]],
}

/// For each row `codes . probe * scale * probe_scale + error * probe_norm`, block by block.
///
/// The inner product is exact (given [`probe_max`]); then it is rounded to f32, and so is each of the three
/// products and the sum, whatever the instruction set.
///
/// # Panics
/// If the lists do not fit together, or the machine lacks `isa`.
pub fn upper_bounds(
    isa: Isa,
    probe: &Probe,
    rows: CodedRows<'_>,
    (probe_scale, probe_norm): (f32, f32),
    bounds: &mut [[f32; BLOCK_ROWS]],
) {
    assert_eq!(rows.lines.len(), bounds.len() * probe.words.len(), "lines");
    assert_eq!((rows.scales.len(), rows.errors.len()), (bounds.len(), bounds.len()), "scales and errors");
    assert!(isa.is_available(), "this machine has no {}", isa.as_str());
    let factors = (probe_scale, probe_norm);
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => avx512::upper_bounds(probe, rows, factors, bounds),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => avx2::upper_bounds(probe, rows, factors, bounds),
        #[cfg(target_arch = "x86_64")]
        Isa::Sse2 => sse2::upper_bounds(probe, rows, factors, bounds),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => neon::upper_bounds(probe, rows, factors, bounds),
        _ => scalar::upper_bounds(probe, rows, factors, bounds),
    }
}

/// The inner product in f64, the same to the last bit on every machine.
///
/// # Panics
/// If the lists are of different lengths, or the machine lacks `isa`.
#[must_use]
pub fn dot(isa: Isa, a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len(), "lengths");
    assert!(isa.is_available(), "this machine has no {}", isa.as_str());
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut sums = match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => avx512::lane_sums(a, b),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => avx2::lane_sums(a, b),
        // The compiler makes the same of the plain loop where these are always there.
        _ => scalar::lane_sums(a, b),
    };
    for ((sum, x), y) in sums.iter_mut().zip(a_rest).zip(b_rest) {
        *sum += f64::from(*x) * f64::from(*y);
    }
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
        half /= 2;
    }
    sums[0]
}
