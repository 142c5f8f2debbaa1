//! Pictures made for tests: real faces altered, and files that are wrong in every way.

use std::io::{Cursor, Write};

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, RgbImage, imageops};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const PORTRAITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../e2e/media/portraits");

/// A portrait of the repository.
pub fn portrait(name: &str) -> RgbImage {
    image::open(format!("{PORTRAITS}/{name}.jpg")).unwrap().into_rgb8()
}

pub fn jpeg(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(picture).unwrap();
    bytes
}

pub fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A wall.
pub fn wall(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| image::Rgb([150 + (x / 40 % 8) as u8, 150, 140 + (y / 60 % 8) as u8]))
}

/// The same with another light: 1 leaves it.
pub fn lit(picture: &RgbImage, factor: f32) -> RgbImage {
    let mut lit = picture.clone();
    lit.iter_mut().for_each(|value| *value = (f32::from(*value) * factor).min(255.0) as u8);
    lit
}

/// Two pictures side by side.
pub fn beside(left: &RgbImage, right: &RgbImage) -> RgbImage {
    let mut both = RgbImage::new(left.width() + right.width(), left.height().max(right.height()));
    imageops::replace(&mut both, left, 0, 0);
    imageops::replace(&mut both, right, i64::from(left.width()), 0);
    both
}

/// A portrait far away, on a wall.
pub fn far(picture: &RgbImage, width: u32) -> RgbImage {
    let small = imageops::thumbnail(picture, width, width * picture.height() / picture.width());
    let mut wall = wall(640, 480);
    imageops::replace(&mut wall, &small, 280, 200);
    wall
}

/// A JPEG with an EXIF block that says how it is to be turned.
pub fn turned(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut block = b"Exif\0\0".to_vec();
    block.extend([b'I', b'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0]);
    let length = u16::try_from(block.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xFF, 0xE1], &length, &block, &jpeg[2..]].concat()
}

/// A PNG whose header claims another size.
pub fn claiming(width: u32, height: u32) -> Vec<u8> {
    let mut png = encoded(wall(16, 16), ImageFormat::Png);
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = crc(&png[12..29]).to_be_bytes();
    png[29..33].copy_from_slice(&sum);
    png
}

/// A PNG that says it is animated, of one picture.
pub fn animated(picture: RgbImage) -> Vec<u8> {
    let png = encoded(picture, ImageFormat::Png);
    let mut chunk = b"acTL".to_vec();
    chunk.extend([0, 0, 0, 1, 0, 0, 0, 0]);
    let sum = crc(&chunk).to_be_bytes();
    [&png[..33], &8_u32.to_be_bytes(), &chunk, &sum, &png[33..]].concat()
}

/// CRC-32 as PNG has it.
fn crc(bytes: &[u8]) -> u32 {
    let step = |sum: u32| if sum & 1 == 1 { 0xEDB8_8320 ^ (sum >> 1) } else { sum >> 1 };
    !bytes.iter().fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum)))
}

/// A ZIP of these files.
pub fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        writer.start_file(*path, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A ZIP with a link in it.
pub fn archive_with_link() -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_symlink("photos/a.jpg", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    writer.finish().unwrap().into_inner()
}
