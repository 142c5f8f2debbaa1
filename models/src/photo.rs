//! Still photos from bytes to pixels, distrustfully: what it is by its first bytes, how large it claims to be before
//! anything is decoded, and decoding within a memory limit.

use std::io::Cursor;

use crate::frame::RgbImage;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

/// The most pixels a photo may have.
pub const MAX_PIXELS: u64 = 50_000_000;
/// The longest side a photo may have, in pixels.
pub const MAX_SIDE: u32 = 12_000;
/// What a decoder may allocate: the largest photo with four channels, and what it needs beside.
const MAX_ALLOC_BYTES: u64 = MAX_PIXELS * 4 + 64 * 1024 * 1024;

/// A photo cannot be used. It names no path and shows no bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhotoError {
    /// Not a picture we read, or a damaged one.
    #[error("{0}; send a JPEG, PNG or WebP file")]
    Unreadable(String),
    /// More pixels than we decode.
    #[error("{width}x{height} pixels are more than {} megapixels or {MAX_SIDE} a side", MAX_PIXELS / 1_000_000)]
    TooLarge {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
}

/// Looks at a photo's first bytes and header alone: whether it is of a kind and size that [`decode`] would try.
///
/// # Errors
/// [`PhotoError::Unreadable`] or [`PhotoError::TooLarge`].
pub fn check(bytes: &[u8]) -> Result<(), PhotoError> {
    dimensions(bytes, format(bytes)?).map(drop)
}

/// Decodes a photo and turns it upright as its EXIF data says.
///
/// # Errors
/// [`PhotoError::Unreadable`] or [`PhotoError::TooLarge`].
pub fn decode(bytes: &[u8]) -> Result<RgbImage, PhotoError> {
    let format = format(bytes)?;
    let (width, height) = dimensions(bytes, format)?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(|e| refused(e, width, height))?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|e| refused(e, width, height))?;
    picture.apply_orientation(orientation);
    RgbImage::try_from(picture.into_rgb8()).map_err(|e| PhotoError::Unreadable(e.to_string()))
}

/// The size, read from the header alone.
fn dimensions(bytes: &[u8], format: ImageFormat) -> Result<(u32, u32), PhotoError> {
    let (width, height) = ImageReader::with_format(Cursor::new(bytes), format).into_dimensions().map_err(unreadable)?;
    if width > MAX_SIDE || height > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(PhotoError::TooLarge { width, height });
    }
    Ok((width, height))
}

fn format(bytes: &[u8]) -> Result<ImageFormat, PhotoError> {
    match image::guess_format(bytes) {
        Ok(format @ (ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP)) => Ok(format),
        Ok(other) => Err(PhotoError::Unreadable(format!("this is {other:?}"))),
        Err(_) => Err(PhotoError::Unreadable("it is no picture".into())),
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC_BYTES);
    limits
}

fn refused(error: ImageError, width: u32, height: u32) -> PhotoError {
    match error {
        ImageError::Limits(_) => PhotoError::TooLarge { width, height },
        other => unreadable(other),
    }
}

/// The decoder's words, without the path or bytes it may have in them.
fn unreadable(error: ImageError) -> PhotoError {
    PhotoError::Unreadable(match error {
        ImageError::Decoding(_) => "it is damaged".into(),
        ImageError::IoError(_) => "it is cut short".into(),
        ImageError::Unsupported(_) => "it is of an unusual kind".into(),
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;

    use super::*;

    fn jpeg(width: u32, height: u32) -> Vec<u8> {
        let picture = image::RgbImage::from_fn(width, height, |x, _| image::Rgb([if x == 0 { 255 } else { 0 }; 3]));
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, 95).encode_image(&picture).unwrap();
        bytes
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        DynamicImage::new_luma8(width, height).write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        bytes
    }

    /// A JPEG with an EXIF block that says how it is to be turned.
    fn turned(orientation: u8) -> Vec<u8> {
        let tiff =
            [b'I', b'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0];
        let mut block = b"Exif\0\0".to_vec();
        block.extend(tiff);
        let length = u16::try_from(block.len() + 2).unwrap().to_be_bytes();
        let plain = jpeg(32, 16);
        [&plain[..2], &[0xFF, 0xE1], &length, &block, &plain[2..]].concat()
    }

    fn check(bytes: &[u8], expected: Result<(u32, u32), &str>) {
        let found = decode(bytes).map(|p| (p.width(), p.height())).map_err(|error| match error {
            PhotoError::Unreadable(_) => "unreadable",
            PhotoError::TooLarge { .. } => "too large",
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn reads_what_it_should_and_refuses_the_rest() {
        check(&jpeg(32, 16), Ok((32, 16)));
        check(&png(32, 16), Ok((32, 16)));
        check(b"", Err("unreadable"));
        check(b"GIF89a whatever", Err("unreadable"));
        check(b"hello", Err("unreadable"));
        check(&jpeg(32, 16)[..40], Err("unreadable"));
        check(&png(32, 16)[..40], Err("unreadable"));
        check(&[0xFF, 0xD8, 0xFF, 0xE0], Err("unreadable"));
    }

    #[test]
    fn refuses_a_large_image_before_decoding_it() {
        let started = std::time::Instant::now();
        check(&png(10_000, 10_000), Err("too large"));
        // Only a header that claims it; there is nothing to decode behind it.
        let mut claims = png(16, 16);
        claims[16..24].copy_from_slice(&[0, 0, 0x7F, 0xFF, 0, 0, 0x7F, 0xFF]);
        assert!(decode(&claims).is_err());
        check(&png(12_001, 1), Err("too large"));
        assert!(started.elapsed().as_secs() < 20);
    }

    #[test]
    fn turns_photos_upright() {
        check(&turned(1), Ok((32, 16)));
        check(&turned(6), Ok((16, 32)));
        check(&turned(8), Ok((16, 32)));
        check(&turned(3), Ok((32, 16)));
        // Turned by 180 degrees, the white column comes from the left to the right edge.
        let picture = decode(&turned(3)).unwrap();
        assert!(picture.as_raw()[3 * 31] > 100 && picture.as_raw()[0] < 100);
    }
}
