//! Photos to enroll with: good ones, and every kind a server must refuse.

use std::fs;

use anyhow::{Context, Result};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, RgbImage, imageops};

use crate::clip::Sitter;

/// A portrait as it lies in the repository.
///
/// # Errors
/// If it is missing.
pub fn portrait(sitter: Sitter) -> Result<Vec<u8>> {
    let path = sitter.path();
    fs::read(&path).with_context(|| format!("reading {}", path.display()))
}

/// Two people side by side.
///
/// # Errors
/// If a portrait is missing.
pub fn two_faces() -> Result<Vec<u8>> {
    let [left, right] = [Sitter::Obama2012, Sitter::Biden2010].map(decoded);
    let (left, right) = (left?, right?);
    let mut both = RgbImage::new(left.width() + right.width(), left.height().max(right.height()));
    imageops::replace(&mut both, &left, 0, 0);
    imageops::replace(&mut both, &right, i64::from(left.width()), 0);
    jpeg(&both)
}

/// A wall.
///
/// # Errors
/// If it cannot be encoded.
pub fn no_face() -> Result<Vec<u8>> {
    jpeg(&RgbImage::from_fn(640, 480, |x, y| image::Rgb([150 + (x / 40 % 8) as u8, 150, 140 + (y / 60 % 8) as u8])))
}

/// A portrait of which the face is 30 pixels wide.
///
/// # Errors
/// If the portrait is missing.
pub fn small_face() -> Result<Vec<u8>> {
    let portrait = decoded(Sitter::Obama2012)?;
    let small = imageops::resize(&portrait, 80, 80, imageops::FilterType::Triangle);
    let mut wall = RgbImage::from_pixel(640, 480, image::Rgb([150, 150, 145]));
    imageops::replace(&mut wall, &small, 280, 200);
    jpeg(&wall)
}

/// Something that begins as a JPEG and is none.
#[must_use]
pub fn corrupt_jpeg() -> Vec<u8> {
    let head = [0xFF, 0xD8, 0xFF, 0xE0, 0x00, 0x10, b'J', b'F', b'I', b'F', 0];
    head.into_iter().chain((0..4000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 & 0x7F)).collect()
}

/// A PNG of which the second half is missing.
///
/// # Errors
/// If the portrait is missing.
pub fn truncated_png() -> Result<Vec<u8>> {
    let picture = decoded(Sitter::Astronaut)?;
    let mut png = Vec::new();
    PngEncoder::new(&mut png).write_image(&picture, picture.width(), picture.height(), ExtendedColorType::Rgb8)?;
    png.truncate(png.len() / 2);
    Ok(png)
}

/// A whole PNG of `side` × `side` grey pixels, all alike: small to send, large to decode.
///
/// # Errors
/// If it cannot be encoded.
pub fn square_png(side: u32) -> Result<Vec<u8>> {
    let pixels = vec![128; side as usize * side as usize];
    let mut png = Vec::new();
    PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::Up).write_image(
        &pixels,
        side,
        side,
        ExtendedColorType::L8,
    )?;
    Ok(png)
}

fn decoded(sitter: Sitter) -> Result<RgbImage> {
    let picture = image::load_from_memory(&portrait(sitter)?);
    Ok(picture.with_context(|| format!("decoding {}", sitter.path().display()))?.to_rgb8())
}

fn jpeg(picture: &RgbImage) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 90).encode_image(picture)?;
    Ok(bytes)
}
