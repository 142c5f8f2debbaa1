//! A frame at half its size, straight from the camera's bytes: all that finding faces needs of most frames.

use ostiary_kernels::{Isa, pixels};
use ostiary_models::frame::RgbImage;

use super::{ConvertError, PixelFormat, RawPicture};

impl RawPicture {
    /// The picture at half its size as RGB, each pixel the mean of four; `None` for formats and odd sizes of which that
    /// is no cheaper than the whole.
    ///
    /// # Errors
    /// [`ConvertError`] if the bytes do not fit the format.
    pub fn to_half_rgb(&self) -> Result<Option<RgbImage>, ConvertError> {
        if self.format == PixelFormat::Jpeg {
            return super::jpeg::decode_half(&self.data);
        }
        let is_even = self.width.is_multiple_of(2) && self.height.is_multiple_of(2);
        if !is_even || matches!(self.format, PixelFormat::I422 | PixelFormat::I444) {
            return Ok(None);
        }
        self.check()?;
        let mut half = RgbImage::black(self.width / 2, self.height / 2);
        fill(self, half.as_raw_mut());
        Ok(Some(half))
    }
}

fn fill(picture: &RawPicture, rgb: &mut [u8]) {
    let (isa, width, height, stride) = (Isa::best(), picture.width as usize, picture.height as usize, picture.stride);
    let line = |y: usize| &picture.data[y * stride..];
    for (n, row) in rgb.chunks_exact_mut(3 * width / 2).enumerate() {
        let rows = [line(2 * n), line(2 * n + 1)];
        match picture.format {
            PixelFormat::Rgb => pixels::halve(isa, &rows[0][..3 * width], &rows[1][..3 * width], row),
            PixelFormat::Grey => pixels::grey_halved(isa, rows, row),
            PixelFormat::Yuyv => pixels::yuyv_halved(isa, rows, row),
            PixelFormat::Nv12 => pixels::nv12_halved(isa, rows, line(height + n), row),
            PixelFormat::I420 => {
                let (planes, narrow) = (&picture.data[stride * height..], stride.div_ceil(2));
                let chroma = (&planes[narrow * n..], &planes[narrow * (height / 2 + n)..]);
                pixels::planar_quartered(isa, rows, chroma, row);
            }
            PixelFormat::I422 | PixelFormat::I444 | PixelFormat::Jpeg => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HALVED: [PixelFormat; 5] =
        [PixelFormat::Rgb, PixelFormat::Grey, PixelFormat::Yuyv, PixelFormat::Nv12, PixelFormat::I420];

    /// A picture whose light and colours change slowly, so that a mean of colours is the colour of means.
    fn slow(format: PixelFormat, width: u32, height: u32, pad: usize) -> RawPicture {
        let mut picture = RawPicture { format, width, height, stride: 0, data: Vec::new() };
        picture.stride = picture.least_stride() + pad;
        let at = |n: usize| 100 + ((n % picture.stride) / 16 + n / picture.stride / 4) % 60;
        picture.data = (0..picture.needed()).map(|n| at(n) as u8).collect();
        picture
    }

    proptest! {
        #[test]
        fn it_is_the_mean_of_the_whole(
            n in 0..HALVED.len(), width in 1..40_u32, height in 1..20_u32, pad in 0..5_usize
        ) {
            let picture = slow(HALVED[n], 2 * width, 2 * height, 2 * pad);
            let (whole, half) = (picture.to_rgb().unwrap(), picture.to_half_rgb().unwrap().unwrap());
            prop_assert_eq!((half.width(), half.height()), (width, height));
            for (at, pixel) in half.as_raw().as_chunks::<3>().0.iter().enumerate() {
                let (x, y) = (2 * (at % width as usize), 2 * (at / width as usize));
                for (c, found) in pixel.iter().enumerate() {
                    let value = |dx: usize, dy: usize| i32::from(whole.view().row((y + dy) as u32)[3 * (x + dx) + c]);
                    let mean = (value(0, 0) + value(1, 0) + value(0, 1) + value(1, 1) + 2) / 4;
                    prop_assert!((i32::from(*found) - mean).abs() <= 3, "{:?} {x},{y}: {found} {mean}", HALVED[n]);
                }
            }
        }

        #[test]
        fn too_few_bytes_are_refused(n in 0..HALVED.len(), width in 1..20_u32, height in 1..20_u32, cut in 1..9_usize) {
            let mut picture = slow(HALVED[n], 2 * width, 2 * height, 0);
            picture.data.truncate(picture.needed().saturating_sub(cut));
            let refused = matches!(picture.to_half_rgb(), Err(ConvertError::Short { .. }));
            prop_assert!(refused);
        }
    }

    #[test]
    fn what_is_no_cheaper_is_left_to_the_whole() {
        let check = |format, width, height| {
            let picture = RawPicture { format, width, height, stride: 4096, data: vec![128; 1 << 16] };
            assert_eq!(picture.to_half_rgb(), Ok(None), "{format:?} {width}x{height}");
        };
        check(PixelFormat::I444, 4, 4);
        check(PixelFormat::Yuyv, 5, 4);
        check(PixelFormat::Yuyv, 4, 5);
    }
}
