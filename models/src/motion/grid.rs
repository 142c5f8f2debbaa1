//! A frame's luminance, averaged over blocks.

/// Blocks from left to right. A face of 60 pixels in a frame of 640 covers about four blocks each way.
const COLUMNS: u32 = 40;
/// A block is never smaller, in pixels: averages of less are noise.
const LEAST_SIDE: u32 = 4;
/// Every second row is enough for an average, and halves the time.
const ROW_STEP: usize = 2;

/// Borrowed luminance: pixel (x, y) is `data[y * stride + x * step]`.
#[derive(Clone, Copy, Debug)]
pub struct Luma<'a> {
    data: &'a [u8],
    width: u32,
    height: u32,
    stride: usize,
    step: usize,
}

impl<'a> Luma<'a> {
    /// Looks at `data` as luminance; `step` is in bytes from pixel to pixel, `stride` from row to row. `None` if
    /// a side or the step is 0 or `data` ends before the last pixel.
    #[must_use]
    pub fn new(data: &'a [u8], width: u32, height: u32, stride: usize, step: usize) -> Option<Self> {
        let last = (width.checked_sub(1)? as usize).checked_mul(step)?;
        let needed = (height.checked_sub(1)? as usize).checked_mul(stride)?.checked_add(last)?;
        (step > 0 && needed < data.len()).then_some(Self { data, width, height, stride, step })
    }

    /// The bytes of row `y`, from its first pixel to its last.
    fn row(&self, y: usize) -> &'a [u8] {
        let start = y * self.stride;
        &self.data[start..=start + (self.width as usize - 1) * self.step]
    }
}

/// Mean luminance of each block, 0 to 255, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct LumaGrid {
    columns: usize,
    rows: usize,
    means: Vec<f32>,
}

impl LumaGrid {
    /// Averages a frame. Pixels beyond the last whole block are left out.
    #[must_use]
    pub fn measure(luma: &Luma<'_>) -> Self {
        let side = (luma.width / COLUMNS).max(LEAST_SIDE).min(luma.width).min(luma.height) as usize;
        let (columns, rows) = (luma.width as usize / side, luma.height as usize / side);
        let mut means = Vec::with_capacity(columns * rows);
        let mut sums = vec![0_u32; columns];
        for block_row in 0..rows {
            sums.fill(0);
            let sampled = (block_row * side..(block_row + 1) * side).step_by(ROW_STEP);
            let samples = (sampled.len() * side) as f32;
            sampled.for_each(|y| add_row(luma.row(y), luma.step, side, &mut sums));
            means.extend(sums.iter().map(|sum| *sum as f32 / samples));
        }
        Self { columns, rows, means }
    }

    /// Blocks from left to right.
    #[must_use]
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// Blocks from top to bottom.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The means, row by row.
    #[must_use]
    pub fn means(&self) -> &[f32] {
        &self.means
    }
}

/// Adds a row of pixels to the sums of its blocks. The common steps have loops of their own, which the compiler
/// turns into vector code.
fn add_row(row: &[u8], step: usize, side: usize, sums: &mut [u32]) {
    match step {
        1 => add_blocks(row, side, sums, |block| block.iter().map(|value| u32::from(*value)).sum()),
        2 => add_blocks(row, 2 * side, sums, |block| block.iter().step_by(2).map(|value| u32::from(*value)).sum()),
        _ => add_blocks(row, step * side, sums, |block| block.iter().step_by(step).map(|v| u32::from(*v)).sum()),
    }
}

fn add_blocks(row: &[u8], bytes: usize, sums: &mut [u32], sum: impl Fn(&[u8]) -> u32) {
    for (total, block) in sums.iter_mut().zip(row.chunks(bytes)) {
        *total += sum(block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_there_is_looked_at() {
        let check = |len: usize, (width, height): (u32, u32), stride, step, expected: bool| {
            let data = vec![7; len];
            let luma = Luma::new(&data, width, height, stride, step);
            assert_eq!(luma.is_some(), expected, "{len} {width}x{height} {stride} {step}");
            assert!(luma.is_none_or(|luma| LumaGrid::measure(&luma).means().iter().all(|mean| *mean == 7.0)));
        };
        check(64, (8, 8), 8, 1, true);
        check(63, (8, 8), 8, 1, false);
        check(127, (8, 8), 16, 2, true);
        check(126, (8, 8), 16, 2, false);
        check(1, (1, 1), 9, 3, true);
        check(9, (0, 3), 3, 1, false);
        check(9, (3, 0), 3, 1, false);
        check(9, (3, 3), 3, 0, false);
        check(640 * 480, (640, 480), 640, 1, true);
        check(3 * 100 * 70, (100, 70), 300, 3, true);
    }

    #[test]
    fn a_block_is_the_mean_of_its_pixels() {
        // 80x8: blocks of 4x4; the left half is dark.
        let pixel = |n: usize| if n % 80 < 40 { 10 } else { 200 };
        let plain: Vec<u8> = (0..640).map(pixel).collect();
        let woven: Vec<u8> = (0..640).flat_map(|n| [pixel(n), 99]).collect();
        for (data, stride, step) in [(&plain, 80, 1), (&woven, 160, 2)] {
            let grid = LumaGrid::measure(&Luma::new(data, 80, 8, stride, step).unwrap());
            assert_eq!((grid.columns(), grid.rows()), (20, 2));
            let expected: Vec<f32> = (0..40).map(|n| if n % 20 < 10 { 10.0 } else { 200.0 }).collect();
            assert_eq!(grid.means(), expected);
        }
    }
}
