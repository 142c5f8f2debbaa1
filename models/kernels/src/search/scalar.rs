//! In plain Rust: what the others are compared with.

use super::{BLOCK_ROWS, CodeLine, CodedRows, GROUP, LANES, Probe};

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
        for row in 0..BLOCK_ROWS {
            let near = sums[row] as f32 * scales[row] * probe_scale;
            bounds[row] = near + errors[row] * probe_norm;
        }
    }
}

fn block_sums(probe: &Probe, lines: &[CodeLine]) -> [i32; BLOCK_ROWS] {
    let mut sums = [0_i32.wrapping_sub(probe.shift); BLOCK_ROWS];
    for (line, word) in lines.iter().zip(&probe.words) {
        for (sum, codes) in sums.iter_mut().zip(line.0.as_chunks::<GROUP>().0) {
            for (&code, &value) in codes.iter().zip(word) {
                *sum = sum.wrapping_add(i32::from(code) * i32::from(value));
            }
        }
    }
    sums
}

/// Products added up lane by lane, for [`super::dot`].
pub(super) fn lane_sums(a: &[[f32; LANES]], b: &[[f32; LANES]]) -> [f64; LANES] {
    let mut sums = [0.0; LANES];
    for (x, y) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += f64::from(x[lane]) * f64::from(y[lane]);
        }
    }
    sums
}
