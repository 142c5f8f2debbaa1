//! JPEG both ways: frames of MJPG cameras in, small pictures of faces out. Whole frames by the library, halves by
//! [`half`], which works out a quarter of what they hold.

mod half;
mod header;
mod huffman;

use std::cell::Cell;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageDecoder, ImageFormat, ImageReader, Limits};
use ostiary_models::frame::RgbImage;
use ostiary_models::motion::{Luma, LumaGrid};
use std::io::Cursor;

use super::{ConvertError, MAX_SIDE};
use half::Planes;

thread_local! {
    /// Memory of the frame before.
    static LEVELS: Cell<[Vec<u8>; 3]> = Cell::default();
}

/// Decodes at half the size; `None` for kinds of JPEG of which that is no cheaper, odd sizes among them.
///
/// # Errors
/// [`ConvertError::Jpeg`] if it is cut short.
pub fn decode_half(bytes: &[u8]) -> Result<Option<RgbImage>, ConvertError> {
    let planes = Planes::decode(bytes, false, LEVELS.take());
    let planes = planes.map_err(|half::Damaged| ConvertError::Jpeg("its scan is damaged or cut short".into()))?;
    Ok(planes.map(|planes| {
        let rgb = planes.to_rgb();
        LEVELS.set(planes.levels);
        rgb
    }))
}

/// The luminance in blocks, of half the size; `None` if that cannot be had.
pub fn light(bytes: &[u8]) -> Option<LumaGrid> {
    let planes = Planes::decode(bytes, true, LEVELS.take()).ok().flatten()?;
    let (width, height) = (u32::try_from(planes.width).ok()?, u32::try_from(planes.height).ok()?);
    let grid = Luma::new(&planes.levels[0], width, height, planes.stride, 1).map(|luma| LumaGrid::measure(&luma));
    LEVELS.set(planes.levels);
    grid
}

/// Decodes a JPEG of at most [`MAX_SIDE`] pixels a side. Cameras leave out the Huffman tables of MJPG frames;
/// the decoder knows the standard ones.
pub fn decode(bytes: &[u8]) -> Result<RgbImage, ConvertError> {
    let refused = |error: image::ImageError| ConvertError::Jpeg(error.to_string());
    let mut reader = ImageReader::with_format(Cursor::new(bytes), ImageFormat::Jpeg);
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MAX_SIDE), Some(MAX_SIDE));
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(refused)?;
    let (width, height) = decoder.dimensions();
    let decoded = image::DynamicImage::from_decoder(decoder).map_err(refused)?;
    RgbImage::from_raw(width, height, decoded.into_rgb8().into_raw()).map_err(|e| ConvertError::Jpeg(e.to_string()))
}

/// Encodes as JPEG of at most `max_bytes`, with the best quality that fits; `None` if none does.
pub fn encode_within(picture: &RgbImage, max_bytes: usize) -> Option<Vec<u8>> {
    [85, 75, 65, 55, 45, 35, 25, 15, 8, 3, 1].into_iter().find_map(|quality| {
        let mut bytes = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
        let (width, height) = (picture.width(), picture.height());
        image::ImageEncoder::write_image(encoder, picture.as_raw(), width, height, ExtendedColorType::Rgb8).ok()?;
        (bytes.len() <= max_bytes).then_some(bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_decodes_and_fits() {
        let mut picture = RgbImage::black(160, 160);
        for (n, byte) in picture.as_raw_mut().iter_mut().enumerate() {
            *byte = u8::try_from(n * 7919 % 251).unwrap();
        }
        let bytes = encode_within(&picture, 16 * 1024).unwrap();
        assert!(bytes.len() <= 16 * 1024);
        let decoded = decode(&bytes).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (160, 160));
        assert_eq!(encode_within(&picture, 100), None);
        assert!(matches!(decode(&bytes[..100]), Err(ConvertError::Jpeg(_))));
    }
}
