//! AVX-512: with VNNI four products of bytes are added at once, so the probe goes in as two rows of bytes, and four
//! blocks go side by side to hide the latency; without VNNI as with AVX2, twice as wide.

#![expect(unsafe_code, reason = "vector loads and stores, and calls into functions for one instruction set")]

use std::arch::x86_64::*;

use super::{BLOCK_ROWS, CodeLine, CodedRows, LANES, Probe};

/// Blocks that go side by side.
const ABREAST: usize = 4;

/// See [`super::upper_bounds`]; the caller has made sure of AVX-512.
pub(super) fn upper_bounds(probe: &Probe, rows: CodedRows<'_>, factors: (f32, f32), bounds: &mut [[f32; BLOCK_ROWS]]) {
    if is_x86_feature_detected!("avx512vnni") {
        // SAFETY: `super::upper_bounds` asserts that the machine has AVX-512, and VNNI was just found.
        unsafe { with_vnni(probe, rows, factors, bounds) }
    } else {
        without_vnni(probe, rows, factors, bounds);
    }
}

/// As [`upper_bounds`] on a machine without VNNI.
pub(super) fn without_vnni(probe: &Probe, rows: CodedRows<'_>, factors: (f32, f32), bounds: &mut [[f32; BLOCK_ROWS]]) {
    // SAFETY: `super::upper_bounds` asserts that the machine has AVX-512.
    unsafe { by_words(probe, rows, factors, bounds) }
}

/// Products added up lane by lane, for [`super::dot`]; the caller has made sure of AVX-512.
pub(super) fn lane_sums(a: &[[f32; LANES]], b: &[[f32; LANES]]) -> [f64; LANES] {
    // SAFETY: `super::dot` asserts that the machine has AVX-512.
    unsafe { fused_lane_sums(a, b) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn with_vnni(probe: &Probe, rows: CodedRows<'_>, factors: (f32, f32), bounds: &mut [[f32; BLOCK_ROWS]]) {
    let a_block = probe.words.len();
    let mut block = 0;
    while block + ABREAST <= bounds.len() {
        let lines = &rows.lines[block * a_block..(block + ABREAST) * a_block];
        let sums = abreast_sums::<ABREAST>(probe, lines);
        for (beside, sums) in sums.into_iter().enumerate() {
            write_bounds(sums, &rows, block + beside, factors, bounds);
        }
        block += ABREAST;
    }
    while block < bounds.len() {
        let [sums] = abreast_sums::<1>(probe, &rows.lines[block * a_block..(block + 1) * a_block]);
        write_bounds(sums, &rows, block, factors, bounds);
        block += 1;
    }
}

/// The inner products of the sixteen rows of each of `N` blocks.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn abreast_sums<const N: usize>(probe: &Probe, lines: &[CodeLine]) -> [__m512i; N] {
    let a_block = probe.bytes.len();
    assert_eq!(lines.len(), N * a_block, "lines of whole blocks");
    let (mut low, mut high) = ([_mm512_setzero_si512(); N], [_mm512_setzero_si512(); N]);
    for (at, bytes) in probe.bytes.iter().enumerate() {
        let low_bytes = _mm512_set1_epi32(i32::from_ne_bytes(bytes.low.map(i8::cast_unsigned)));
        let high_bytes = _mm512_set1_epi32(i32::from_ne_bytes(bytes.high.map(i8::cast_unsigned)));
        for beside in 0..N {
            // SAFETY: `beside * a_block + at` is below `N * a_block`, the number of lines, which are 64 bytes each,
            // aligned to 64.
            let codes = unsafe { _mm512_load_si512(lines.as_ptr().add(beside * a_block + at).cast()) };
            low[beside] = _mm512_dpbusd_epi32(low[beside], codes, low_bytes);
            high[beside] = _mm512_dpbusd_epi32(high[beside], codes, high_bytes);
        }
    }
    let shift = _mm512_set1_epi32(probe.shift);
    std::array::from_fn(|beside| {
        let sum = _mm512_add_epi32(_mm512_slli_epi32::<8>(high[beside]), low[beside]);
        _mm512_sub_epi32(sum, shift)
    })
}

#[target_feature(enable = "avx512f,avx512bw")]
fn by_words(probe: &Probe, rows: CodedRows<'_>, factors: (f32, f32), bounds: &mut [[f32; BLOCK_ROWS]]) {
    for (block, lines) in rows.lines.chunks_exact(probe.words.len().max(1)).enumerate() {
        let sums = word_sums(probe, lines);
        write_bounds(sums, &rows, block, factors, bounds);
    }
}

/// The inner products of sixteen rows.
#[target_feature(enable = "avx512f,avx512bw")]
fn word_sums(probe: &Probe, lines: &[CodeLine]) -> __m512i {
    // Two partial sums for each of eight rows in each register.
    let mut pairs = [_mm512_setzero_si512(); 2];
    for (line, word) in lines.iter().zip(&probe.words) {
        // SAFETY: a word of the probe is 8 bytes.
        let word = _mm512_broadcastq_epi64(unsafe { _mm_loadl_epi64(word.as_ptr().cast()) });
        for (half, pair) in pairs.iter_mut().enumerate() {
            // SAFETY: a line is 64 bytes aligned to 64, read in two parts of 32.
            let codes = unsafe { _mm256_load_si256(line.0.as_ptr().add(32 * half).cast()) };
            *pair = _mm512_add_epi32(*pair, _mm512_madd_epi16(_mm512_cvtepu8_epi16(codes), word));
        }
    }
    let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    let odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    let sums = _mm512_add_epi32(
        _mm512_permutex2var_epi32(pairs[0], even, pairs[1]),
        _mm512_permutex2var_epi32(pairs[0], odd, pairs[1]),
    );
    _mm512_sub_epi32(sums, _mm512_set1_epi32(probe.shift))
}

/// Turns a block's inner products into its bounds.
#[target_feature(enable = "avx512f")]
fn write_bounds(
    sums: __m512i,
    rows: &CodedRows<'_>,
    block: usize,
    (probe_scale, probe_norm): (f32, f32),
    bounds: &mut [[f32; BLOCK_ROWS]],
) {
    let (scales, errors, bounds) = (&rows.scales[block], &rows.errors[block], &mut bounds[block]);
    // SAFETY: each of the three lists holds sixteen f32, 64 bytes.
    unsafe {
        let error = _mm512_mul_ps(_mm512_loadu_ps(errors.as_ptr()), _mm512_set1_ps(probe_norm));
        let near = _mm512_mul_ps(_mm512_cvtepi32_ps(sums), _mm512_loadu_ps(scales.as_ptr()));
        let near = _mm512_mul_ps(near, _mm512_set1_ps(probe_scale));
        _mm512_storeu_ps(bounds.as_mut_ptr(), _mm512_add_ps(near, error));
    }
}

#[target_feature(enable = "avx512f")]
fn fused_lane_sums(a: &[[f32; LANES]], b: &[[f32; LANES]]) -> [f64; LANES] {
    let mut sums = [_mm512_setzero_pd(); LANES / 8];
    for (x, y) in a.iter().zip(b) {
        for (part, sum) in sums.iter_mut().enumerate() {
            // SAFETY: `8 * part + 8` is at most 16, the length of both.
            let (x, y) =
                unsafe { (_mm256_loadu_ps(x.as_ptr().add(8 * part)), _mm256_loadu_ps(y.as_ptr().add(8 * part))) };
            *sum = _mm512_fmadd_pd(_mm512_cvtps_pd(x), _mm512_cvtps_pd(y), *sum);
        }
    }
    let mut lanes = [0.0; LANES];
    for (part, sum) in sums.into_iter().enumerate() {
        // SAFETY: `8 * part + 8` is at most 16.
        unsafe { _mm512_storeu_pd(lanes.as_mut_ptr().add(8 * part), sum) };
    }
    lanes
}
