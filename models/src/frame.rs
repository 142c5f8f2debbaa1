//! Pictures in memory: 8-bit RGB, borrowed ([`RgbView`]) or owned ([`RgbImage`]).
//! Turning camera formats into RGB is the daemon's business.

use crate::geometry::Rect;

/// The bytes do not make the picture described.
#[derive(Debug, thiserror::Error)]
#[error("{width}x{height} RGB with {stride} bytes a row needs {needed} bytes, found {found}")]
pub struct FrameError {
    width: u32,
    height: u32,
    stride: usize,
    needed: usize,
    found: usize,
}

/// A borrowed picture: rows of `stride` bytes, of which the first `3 * width` are R, G, B, R, G, B, ...
#[derive(Clone, Copy, Debug)]
pub struct RgbView<'a> {
    data: &'a [u8],
    width: u32,
    height: u32,
    stride: usize,
}

impl<'a> RgbView<'a> {
    /// A view of `data`; `stride` is in bytes, at least `3 * width`.
    ///
    /// # Errors
    /// [`FrameError`] if a side is 0, the stride is too short, or `data` ends before the last pixel.
    pub fn new(data: &'a [u8], width: u32, height: u32, stride: usize) -> Result<Self, FrameError> {
        let row = 3 * width as usize;
        let needed = stride.saturating_mul((height as usize).saturating_sub(1)).saturating_add(row);
        if width == 0 || height == 0 || stride < row || data.len() < needed {
            return Err(FrameError { width, height, stride, needed, found: data.len() });
        }
        Ok(Self { data, width, height, stride })
    }

    /// Width in pixels, at least 1.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, at least 1.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// The pixels of row `y`, `3 * width` bytes. `y` must be below the height.
    #[must_use]
    pub fn row(&self, y: u32) -> &'a [u8] {
        let start = y as usize * self.stride;
        &self.data[start..start + 3 * self.width as usize]
    }

    /// All rows, [`RgbView::stride`] bytes from each to the next.
    pub(crate) const fn rows(&self) -> &'a [u8] {
        self.data
    }

    /// Bytes from a row to the next.
    pub(crate) const fn stride(&self) -> usize {
        self.stride
    }

    /// The whole picture as a rectangle from (0, 0).
    #[must_use]
    pub fn bounds(&self) -> Rect {
        Rect::new(0.0, 0.0, self.width as f32, self.height as f32)
    }

    /// A part of the picture, cut to its bounds; at least one pixel.
    #[must_use]
    pub fn cropped(&self, left: u32, top: u32, width: u32, height: u32) -> RgbView<'a> {
        let left = left.min(self.width - 1);
        let top = top.min(self.height - 1);
        let width = width.clamp(1, self.width - left);
        let height = height.clamp(1, self.height - top);
        let start = top as usize * self.stride + 3 * left as usize;
        RgbView { data: &self.data[start..], width, height, stride: self.stride }
    }

    /// A copy without padding between the rows.
    #[must_use]
    pub fn to_image(&self) -> RgbImage {
        let data = (0..self.height).flat_map(|y| self.row(y)).copied().collect();
        RgbImage { data, width: self.width, height: self.height }
    }
}

/// An owned picture without padding between the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RgbImage {
    data: Vec<u8>,
    width: u32,
    height: u32,
}

impl RgbImage {
    /// A black picture; each side at least one pixel.
    #[must_use]
    pub fn black(width: u32, height: u32) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        Self { data: vec![0; 3 * width as usize * height as usize], width, height }
    }

    /// From bytes R, G, B, R, G, B, ... without padding.
    ///
    /// # Errors
    /// [`FrameError`] if a side is 0 or the bytes are not exactly `3 * width * height`.
    pub fn from_raw(width: u32, height: u32, data: Vec<u8>) -> Result<Self, FrameError> {
        let stride = 3 * width as usize;
        let needed = stride.saturating_mul(height as usize);
        if width == 0 || height == 0 || data.len() != needed {
            return Err(FrameError { width, height, stride, needed, found: data.len() });
        }
        Ok(Self { data, width, height })
    }

    /// Width in pixels, at least 1.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, at least 1.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// All bytes, row by row.
    #[must_use]
    pub fn as_raw(&self) -> &[u8] {
        &self.data
    }

    /// All bytes, row by row, to be written.
    pub fn as_raw_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    /// All bytes, row by row, taken out.
    #[must_use]
    pub fn into_raw(self) -> Vec<u8> {
        self.data
    }

    /// The picture, borrowed.
    #[must_use]
    pub fn view(&self) -> RgbView<'_> {
        RgbView { data: &self.data, width: self.width, height: self.height, stride: 3 * self.width as usize }
    }
}

impl TryFrom<image::RgbImage> for RgbImage {
    type Error = FrameError;
    fn try_from(picture: image::RgbImage) -> Result<Self, FrameError> {
        let (width, height) = picture.dimensions();
        Self::from_raw(width, height, picture.into_raw())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_refused_unless_every_pixel_is_there() {
        let check = |len: usize, width, height, stride, fits| {
            let data = vec![0; len];
            assert_eq!(RgbView::new(&data, width, height, stride).is_ok(), fits, "{len} {width}x{height}/{stride}");
        };
        check(12, 2, 2, 6, true);
        check(11, 2, 2, 6, false);
        check(14, 2, 2, 8, true);
        check(13, 2, 2, 8, false);
        check(12, 2, 2, 5, false);
        check(12, 0, 2, 6, false);
        check(0, 1, 1, 3, false);
        check(12, u32::MAX, u32::MAX, usize::MAX, false);
    }

    #[test]
    fn a_crop_is_cut_to_the_picture() {
        let data: Vec<u8> = (0..4 * 3 * 3).collect();
        let view = RgbView::new(&data, 4, 3, 12).unwrap();
        let crop = view.cropped(3, 2, 10, 10);
        assert_eq!((crop.width(), crop.height(), crop.row(0)), (1, 1, &data[33..36]));
        assert_eq!(view.cropped(1, 1, 2, 2).to_image().as_raw()[..6], data[15..21]);
    }
}
