//! For every x86-64: bytes widened to words, multiplied and added in pairs.

#![expect(unsafe_code, reason = "vector loads and stores")]

use std::arch::x86_64::*;

use super::{BLOCK_ROWS, CodeLine, CodedRows, GROUP, Probe};

/// See [`super::upper_bounds`].
pub(super) fn upper_bounds(
    probe: &Probe,
    rows: CodedRows<'_>,
    (probe_scale, probe_norm): (f32, f32),
    bounds: &mut [[f32; BLOCK_ROWS]],
) {
    let blocks = rows.lines.chunks_exact(probe.words.len().max(1));
    for (((lines, scales), errors), bounds) in blocks.zip(rows.scales).zip(rows.errors).zip(bounds) {
        let sums = block_sums(probe, lines);
        for (quarter, sums) in sums.into_iter().enumerate() {
            let at = 4 * quarter;
            // SAFETY: SSE2 is part of x86-64; `at + 4` is at most 16, the length of each of the three lists.
            unsafe {
                let scale = _mm_loadu_ps(scales.as_ptr().add(at));
                let error = _mm_mul_ps(_mm_loadu_ps(errors.as_ptr().add(at)), _mm_set1_ps(probe_norm));
                let near = _mm_mul_ps(_mm_mul_ps(_mm_cvtepi32_ps(sums), scale), _mm_set1_ps(probe_scale));
                _mm_storeu_ps(bounds.as_mut_ptr().add(at), _mm_add_ps(near, error));
            }
        }
    }
}

/// The inner products of sixteen rows, four a register.
fn block_sums(probe: &Probe, lines: &[CodeLine]) -> [__m128i; 4] {
    // SAFETY: SSE2 is part of x86-64. A line is 64 bytes aligned to 64, read in four parts of 16; a word of the
    // probe is 8 bytes.
    unsafe {
        let zero = _mm_setzero_si128();
        // Two partial sums for each of two rows in each register.
        let mut pairs = [zero; 8];
        for (line, word) in lines.iter().zip(&probe.words) {
            let word = _mm_loadl_epi64(word.as_ptr().cast());
            let word = _mm_unpacklo_epi64(word, word);
            for quarter in 0..4 {
                let codes = _mm_load_si128(line.0.as_ptr().add(quarter * 4 * GROUP).cast());
                let first = _mm_madd_epi16(_mm_unpacklo_epi8(codes, zero), word);
                let second = _mm_madd_epi16(_mm_unpackhi_epi8(codes, zero), word);
                pairs[2 * quarter] = _mm_add_epi32(pairs[2 * quarter], first);
                pairs[2 * quarter + 1] = _mm_add_epi32(pairs[2 * quarter + 1], second);
            }
        }
        let shift = _mm_set1_epi32(probe.shift);
        std::array::from_fn(|quarter| {
            let (first, second) = (_mm_castsi128_ps(pairs[2 * quarter]), _mm_castsi128_ps(pairs[2 * quarter + 1]));
            let even = _mm_castps_si128(_mm_shuffle_ps::<0b10_00_10_00>(first, second));
            let odd = _mm_castps_si128(_mm_shuffle_ps::<0b11_01_11_01>(first, second));
            _mm_sub_epi32(_mm_add_epi32(even, odd), shift)
        })
    }
}
