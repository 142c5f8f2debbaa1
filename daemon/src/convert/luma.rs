//! Luminance alone, for the motion gate: straight from the frame's own bytes, without a copy where they hold it.

use ostiary_models::motion::{Luma, LumaGrid};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{MAX_SIDE, PixelFormat, RawPicture};

impl RawPicture {
    /// Whether the luminance can only be had by decoding the frame.
    pub fn is_coded(&self) -> bool {
        self.format == PixelFormat::Jpeg
    }

    /// The frame's luminance in blocks; `None` if the bytes do not make a picture.
    pub fn luma_grid(&self) -> Option<LumaGrid> {
        let (data, width, height, stride) = (&self.data, self.width, self.height, self.stride);
        let luma = match self.format {
            PixelFormat::Jpeg => return super::jpeg::light(data).or_else(|| coded(data)),
            PixelFormat::Yuyv => Luma::new(data, width, height, stride, 2),
            // Green is most of luminance.
            PixelFormat::Rgb => Luma::new(data.get(1..)?, width, height, stride, 3),
            PixelFormat::Grey | PixelFormat::Nv12 | PixelFormat::I420 | PixelFormat::I422 | PixelFormat::I444 => {
                Luma::new(data, width, height, stride, 1)
            }
        };
        Some(LumaGrid::measure(&luma?))
    }
}

/// Decodes the luminance of a JPEG of a rare kind; its colours are passed over.
fn coded(bytes: &[u8]) -> Option<LumaGrid> {
    let side = MAX_SIDE as usize;
    let options =
        DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::Luma).set_max_width(side).set_max_height(side);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let pixels = decoder.decode().ok()?;
    let (width, height) = decoder.dimensions()?;
    let (width, height) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    Some(LumaGrid::measure(&Luma::new(&pixels, width, height, width as usize, 1)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::encode_jpeg;
    use ostiary_models::frame::RgbImage;

    #[test]
    fn every_format_gives_the_same_light() {
        let check = |format, stride, data: Vec<u8>| {
            let picture = RawPicture { format, width: 40, height: 8, stride, data };
            let grid = picture.luma_grid().expect("a picture");
            assert!(grid.means().iter().all(|mean| (mean - 90.0).abs() <= 1.5), "{format:?} {grid:?}");
            let short = RawPicture { data: picture.data[..picture.data.len() / 3].to_vec(), ..picture };
            assert_eq!(short.luma_grid(), None, "{format:?} cut short");
        };
        let plane = vec![90; 40 * 8];
        check(PixelFormat::Grey, 40, plane.clone());
        check(PixelFormat::Yuyv, 80, [90, 128].repeat(40 * 8));
        check(PixelFormat::Nv12, 40, [plane.clone(), vec![128; 160]].concat());
        check(PixelFormat::I420, 40, [plane, vec![128; 160]].concat());
        check(PixelFormat::Rgb, 120, vec![90; 960]);
        let mut picture = RgbImage::black(40, 8);
        picture.as_raw_mut().fill(90);
        check(PixelFormat::Jpeg, 0, encode_jpeg(&picture, 16 * 1024).unwrap());
    }
}
