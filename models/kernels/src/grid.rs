//! Where the pixels of a picture lie in memory.

/// Channels of a tensor come in multiples of this; those beyond the net's own are zero.
pub const CHANNELS: usize = 8;

/// `channels`, rounded up as tensors keep them.
#[must_use]
pub const fn rounded(channels: usize) -> usize {
    channels.next_multiple_of(CHANNELS)
}

/// Pixels a kernel works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// Where pixel (x, y) begins: at `origin + y * row + x * step` values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Where (0, 0) begins.
    pub origin: usize,
    /// From a row to the next.
    pub row: usize,
    /// From a pixel to the next in its row.
    pub step: usize,
}

impl Grid {
    /// Pixels one after the other, `channels` values each.
    #[must_use]
    pub const fn packed(width: usize, channels: usize) -> Self {
        Self { origin: 0, row: width * channels, step: channels }
    }

    /// Where pixel (x, y) begins.
    #[inline(always)]
    #[must_use]
    pub const fn at(&self, x: usize, y: usize) -> usize {
        self.origin + y * self.row + x * self.step
    }

    /// The same grid, begun `rows` further down.
    #[must_use]
    pub const fn down(self, rows: usize) -> Self {
        Self { origin: self.origin + rows * self.row, ..self }
    }

    /// One past the last value touched when each pixel is read `reach` values far.
    #[must_use]
    pub const fn end(&self, size: Size, reach: usize) -> usize {
        self.at(size.width - 1, size.height - 1) + reach
    }
}
