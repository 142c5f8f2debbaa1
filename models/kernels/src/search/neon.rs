//! NEON: bytes widened to words, a register of sums for each row.

#![expect(unsafe_code, reason = "vector loads and stores")]

use std::arch::aarch64::*;

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
            // SAFETY: NEON is part of aarch64; `at + 4` is at most 16, the length of each of the three lists.
            unsafe {
                let near = vmulq_f32(vcvtq_f32_s32(sums), vld1q_f32(scales.as_ptr().add(at)));
                let error = vmulq_n_f32(vld1q_f32(errors.as_ptr().add(at)), probe_norm);
                let bound = vaddq_f32(vmulq_n_f32(near, probe_scale), error);
                vst1q_f32(bounds.as_mut_ptr().add(at), bound);
            }
        }
    }
}

/// The inner products of sixteen rows, four a register.
fn block_sums(probe: &Probe, lines: &[CodeLine]) -> [int32x4_t; 4] {
    // SAFETY: NEON is part of aarch64. A line is 64 bytes, read in four parts of 16; a word of the probe is 8 bytes.
    unsafe {
        let mut sums = [vdupq_n_s32(0); BLOCK_ROWS];
        for (line, word) in lines.iter().zip(&probe.words) {
            let word = vld1_s16(word.as_ptr());
            for (quarter, sums) in sums.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                let codes = vld1q_u8(line.0.as_ptr().add(quarter * 4 * GROUP));
                let first = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(codes)));
                let second = vreinterpretq_s16_u16(vmovl_high_u8(codes));
                sums[0] = vmlal_s16(sums[0], vget_low_s16(first), word);
                sums[1] = vmlal_s16(sums[1], vget_high_s16(first), word);
                sums[2] = vmlal_s16(sums[2], vget_low_s16(second), word);
                sums[3] = vmlal_s16(sums[3], vget_high_s16(second), word);
            }
        }
        let shift = vdupq_n_s32(probe.shift);
        let of = |s: &[int32x4_t]| vsubq_s32(vpaddq_s32(vpaddq_s32(s[0], s[1]), vpaddq_s32(s[2], s[3])), shift);
        [of(&sums[0..4]), of(&sums[4..8]), of(&sums[8..12]), of(&sums[12..16])]
    }
}
