//! Camera formats into RGB. YUV is BT.601, limited range, as cameras give it unless they say otherwise; JPEG
//! says for itself.

mod half;
mod jpeg;
mod luma;
mod yuv;

pub use jpeg::encode_within as encode_jpeg;

use ostiary_models::frame::RgbImage;

/// How the bytes of a picture lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(any(test, feature = "v4l2")), expect(dead_code, reason = "some formats come from cameras only"))]
pub enum PixelFormat {
    /// R, G, B.
    Rgb,
    /// Luminance only.
    Grey,
    /// Y0 U Y1 V for two pixels.
    Yuyv,
    /// A plane of Y, then interleaved U V of half size both ways.
    Nv12,
    /// Planes Y, U, V; U and V of half size both ways.
    I420,
    /// Planes Y, U, V; U and V of half width.
    I422,
    /// Planes Y, U, V of the same size.
    I444,
    /// A whole JPEG.
    Jpeg,
}

/// A picture as it came.
#[derive(Clone, Debug)]
pub struct RawPicture {
    /// How the bytes lie.
    pub format: PixelFormat,
    /// Width in pixels; of a JPEG, what was asked for.
    pub width: u32,
    /// Height in pixels; of a JPEG, what was asked for.
    pub height: u32,
    /// Bytes from one row of the first plane to the next; of planar formats the others follow from it.
    pub stride: usize,
    /// The bytes.
    pub data: Vec<u8>,
}

/// The bytes do not make a picture.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// Cut short.
    #[error("{format:?} of {width}x{height} with {stride} bytes a row needs {needed} bytes, found {found}")]
    Short {
        /// The format.
        format: PixelFormat,
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Bytes.
        stride: usize,
        /// Bytes needed.
        needed: usize,
        /// Bytes found.
        found: usize,
    },
    /// Not a JPEG that can be read.
    #[error("not a readable JPEG: {0}")]
    Jpeg(String),
    /// No pixels, or more than a camera has.
    #[error("a picture of {0}x{1} pixels is not taken")]
    Size(u32, u32),
}

/// No camera picture has a longer side; a JPEG that claims one is not decoded.
pub const MAX_SIDE: u32 = 8192;

impl RawPicture {
    /// The picture as RGB.
    ///
    /// # Errors
    /// [`ConvertError`] if the bytes do not fit the format.
    pub fn to_rgb(&self) -> Result<RgbImage, ConvertError> {
        if self.format == PixelFormat::Jpeg {
            return jpeg::decode(&self.data);
        }
        self.check()?;
        let mut rgb = RgbImage::black(self.width, self.height);
        yuv::fill(self, rgb.as_raw_mut());
        Ok(rgb)
    }

    /// Whether there are pixels, no more than a camera has, and bytes for all of them.
    fn check(&self) -> Result<(), ConvertError> {
        let (width, height) = (self.width, self.height);
        if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
            return Err(ConvertError::Size(width, height));
        }
        let needed = self.needed();
        if self.stride < self.least_stride() || self.data.len() < needed {
            let (format, stride, found) = (self.format, self.stride, self.data.len());
            return Err(ConvertError::Short { format, width, height, stride, needed, found });
        }
        Ok(())
    }

    const fn least_stride(&self) -> usize {
        let width = self.width as usize;
        match self.format {
            PixelFormat::Rgb => 3 * width,
            PixelFormat::Yuyv => 2 * width.next_multiple_of(2),
            _ => width,
        }
    }

    /// Bytes the planes take. The last row need not be padded.
    fn needed(&self) -> usize {
        let (height, stride) = (self.height as usize, self.stride);
        let first = stride * (height - 1) + self.least_stride();
        let chroma = |rows: usize, stride: usize, width: usize| stride * rows.saturating_sub(1) + width;
        let half = (self.width as usize).div_ceil(2);
        match self.format {
            PixelFormat::Rgb | PixelFormat::Grey | PixelFormat::Yuyv | PixelFormat::Jpeg => first,
            PixelFormat::Nv12 => stride * height + chroma(height.div_ceil(2), stride, 2 * half),
            PixelFormat::I420 => {
                let (rows, stride_c) = (height.div_ceil(2), stride.div_ceil(2));
                stride * height + stride_c * rows + chroma(rows, stride_c, half)
            }
            PixelFormat::I422 => {
                stride * height + stride.div_ceil(2) * height + chroma(height, stride.div_ceil(2), half)
            }
            PixelFormat::I444 => 2 * stride * height + chroma(height, stride, self.width as usize),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [PixelFormat; 7] = [
        PixelFormat::Rgb,
        PixelFormat::Grey,
        PixelFormat::Yuyv,
        PixelFormat::Nv12,
        PixelFormat::I420,
        PixelFormat::I422,
        PixelFormat::I444,
    ];

    proptest! {
        /// Whatever sizes and bytes come: a picture or an error, never a panic, and exactly the bytes needed do.
        #[test]
        fn any_size_and_length(
            n in 0..7_usize, width in 0..40_u32, height in 0..40_u32, pad in 0..9_usize, cut in any::<bool>()
        ) {
            let mut picture = RawPicture { format: ALL[n], width, height, stride: 0, data: Vec::new() };
            picture.stride = picture.least_stride() + pad;
            if width == 0 || height == 0 {
                prop_assert_eq!(picture.to_rgb(), Err(ConvertError::Size(width, height)));
            } else {
                picture.data = vec![128; picture.needed() - usize::from(cut)];
                prop_assert_eq!(picture.to_rgb().is_ok(), !cut);
            }
        }

        #[test]
        fn any_bytes_as_jpeg(data in proptest::collection::vec(any::<u8>(), 0..300)) {
            let picture = RawPicture { format: PixelFormat::Jpeg, width: 8, height: 8, stride: 0, data };
            let _ = picture.to_rgb();
        }
    }
}
