//! The tensors between the operations.

use ostiary_kernels::{Grid, Size, rounded};

/// The shape of a tensor: [`Map::height`] + 2 rows of [`Map::width`] + 2 pixels of [`Map::stored`] channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Map {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Channels of the net's own.
    pub(super) channels: usize,
}

impl Map {
    /// Of a shape [1, channels, height, width].
    pub(super) fn of(shape: &[usize]) -> Option<Self> {
        match *shape {
            [1, channels, height, width] if channels * height * width > 0 => Some(Self { width, height, channels }),
            _ => None,
        }
    }

    /// Channels as stored; those beyond the net's own are zero.
    pub(super) const fn stored(&self) -> usize {
        rounded(self.channels)
    }

    pub(super) const fn size(&self) -> Size {
        Size { width: self.width, height: self.height }
    }

    /// The shape of the tensor.
    pub(super) const fn shape(&self) -> [usize; 3] {
        [self.height + 2, self.width + 2, self.stored()]
    }

    /// From a row to the next.
    pub(super) const fn row(&self) -> usize {
        (self.width + 2) * self.stored()
    }

    /// Where the pixels begin, inside the border.
    pub(super) const fn pixels(&self) -> Grid {
        self.windows(1, 0)
    }

    /// Where the windows begin that a filter sees which moves by `stride` over a net's tensor padded by `before`
    /// (0 or 1) at its top and left.
    pub(super) const fn windows(&self, stride: usize, before: usize) -> Grid {
        let (row, step) = (self.row(), self.stored());
        Grid { origin: (1 - before) * (row + step), row: stride * row, step: stride * step }
    }

    /// Whether a filter stays within the border.
    pub(super) const fn holds(&self, outputs: Size, side: usize, stride: usize, before: usize) -> bool {
        before <= 1
            && (outputs.width - 1) * stride + side <= self.width + 1 + before
            && (outputs.height - 1) * stride + side <= self.height + 1 + before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_begin_in_the_border_or_behind_it() {
        let map = Map { width: 4, height: 2, channels: 9 };
        assert_eq!(map.shape(), [4, 6, 16]);
        assert_eq!(map.pixels().at(0, 0), 6 * 16 + 16);
        assert_eq!(map.windows(1, 1).at(0, 0), 0);
        assert_eq!(map.windows(2, 0).at(1, 0), 6 * 16 + 3 * 16);
        assert!(map.holds(Size { width: 4, height: 2 }, 3, 1, 1));
        assert!(map.holds(Size { width: 2, height: 1 }, 3, 2, 0));
        assert!(!map.holds(Size { width: 4, height: 2 }, 5, 1, 1));
        assert_eq!(Map::of(&[2, 3, 4, 5]), None);
    }
}
