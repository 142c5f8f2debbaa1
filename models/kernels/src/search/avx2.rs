//! AVX2: as with SSE2, twice as wide.

#![expect(unsafe_code, reason = "vector loads and stores, and calls into functions for one instruction set")]

use std::arch::x86_64::*;

use super::{BLOCK_ROWS, CodeLine, CodedRows, GROUP, LANES, Probe};

/// See [`super::upper_bounds`]; the caller has made sure of AVX2.
pub(super) fn upper_bounds(probe: &Probe, rows: CodedRows<'_>, factors: (f32, f32), bounds: &mut [[f32; BLOCK_ROWS]]) {
    // SAFETY: `super::upper_bounds` asserts that the machine has AVX2.
    unsafe { all_blocks(probe, rows, factors, bounds) }
}

/// Products added up lane by lane, for [`super::dot`]; the caller has made sure of AVX2 and FMA.
pub(super) fn lane_sums(a: &[[f32; LANES]], b: &[[f32; LANES]]) -> [f64; LANES] {
    // SAFETY: `super::dot` asserts that the machine has AVX2 and FMA.
    unsafe { fused_lane_sums(a, b) }
}

#[target_feature(enable = "avx2")]
fn all_blocks(
    probe: &Probe,
    rows: CodedRows<'_>,
    (probe_scale, probe_norm): (f32, f32),
    bounds: &mut [[f32; BLOCK_ROWS]],
) {
    let blocks = rows.lines.chunks_exact(probe.words.len().max(1));
    for (((lines, scales), errors), bounds) in blocks.zip(rows.scales).zip(rows.errors).zip(bounds) {
        let sums = block_sums(probe, lines);
        for (half, sums) in sums.into_iter().enumerate() {
            let at = 8 * half;
            // SAFETY: `at + 8` is at most 16, the length of each of the three lists.
            unsafe {
                let scale = _mm256_loadu_ps(scales.as_ptr().add(at));
                let error = _mm256_mul_ps(_mm256_loadu_ps(errors.as_ptr().add(at)), _mm256_set1_ps(probe_norm));
                let near = _mm256_mul_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sums), scale), _mm256_set1_ps(probe_scale));
                _mm256_storeu_ps(bounds.as_mut_ptr().add(at), _mm256_add_ps(near, error));
            }
        }
    }
}

/// The inner products of sixteen rows, eight a register.
#[target_feature(enable = "avx2")]
fn block_sums(probe: &Probe, lines: &[CodeLine]) -> [__m256i; 2] {
    // Two partial sums for each of four rows in each register.
    let mut pairs = [_mm256_setzero_si256(); 4];
    for (line, word) in lines.iter().zip(&probe.words) {
        // SAFETY: a word of the probe is 8 bytes.
        let word = _mm256_broadcastq_epi64(unsafe { _mm_loadl_epi64(word.as_ptr().cast()) });
        for (quarter, pair) in pairs.iter_mut().enumerate() {
            // SAFETY: a line is 64 bytes aligned to 64, read in four parts of 16.
            let codes = unsafe { _mm_load_si128(line.0.as_ptr().add(quarter * 4 * GROUP).cast()) };
            *pair = _mm256_add_epi32(*pair, _mm256_madd_epi16(_mm256_cvtepu8_epi16(codes), word));
        }
    }
    let shift = _mm256_set1_epi32(probe.shift);
    let rows = |first, second| {
        // Within each half of a register: two rows of the first, two of the second.
        let sums = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(first, second));
        _mm256_sub_epi32(sums, shift)
    };
    [rows(pairs[0], pairs[1]), rows(pairs[2], pairs[3])]
}

#[target_feature(enable = "avx2,fma")]
fn fused_lane_sums(a: &[[f32; LANES]], b: &[[f32; LANES]]) -> [f64; LANES] {
    let mut sums = [_mm256_setzero_pd(); LANES / 4];
    for (x, y) in a.iter().zip(b) {
        for (part, sum) in sums.iter_mut().enumerate() {
            // SAFETY: `4 * part + 4` is at most 16, the length of both.
            let (x, y) = unsafe { (_mm_loadu_ps(x.as_ptr().add(4 * part)), _mm_loadu_ps(y.as_ptr().add(4 * part))) };
            *sum = _mm256_fmadd_pd(_mm256_cvtps_pd(x), _mm256_cvtps_pd(y), *sum);
        }
    }
    let mut lanes = [0.0; LANES];
    for (part, sum) in sums.into_iter().enumerate() {
        // SAFETY: `4 * part + 4` is at most 16.
        unsafe { _mm256_storeu_pd(lanes.as_mut_ptr().add(4 * part), sum) };
    }
    lanes
}
