//! Writes YUV4MPEG2: a line that describes the video, then each frame's planes; BT.601, limited range, 4:2:0.

use std::io::{self, Write};

use image::RgbImage;

use crate::clip::Camera;

/// The first line.
pub fn header(camera: &Camera, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "YUV4MPEG2 W{} H{} F{}:1 Ip A1:1 C420jpeg", camera.width, camera.height, camera.fps)
}

/// One frame.
pub fn frame(planes: &[u8], out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"FRAME\n")?;
    out.write_all(planes)
}

/// The planes of a picture the camera gave, whose sides are even.
pub fn planes(jpeg: &[u8]) -> Vec<u8> {
    let picture = image::load_from_memory(jpeg).expect("the camera's JPEG is one").to_rgb8();
    let (width, height) = (picture.width(), picture.height());
    let mut planes: Vec<u8> = picture.pixels().map(|pixel| luma(pixel.0)).collect();
    planes.reserve(planes.len() / 2);
    for chroma in [blue, red] {
        for y in (0..height).step_by(2) {
            planes.extend((0..width).step_by(2).map(|x| chroma(mean(&picture, x, y))));
        }
    }
    planes
}

fn mean(picture: &RgbImage, x: u32, y: u32) -> [f32; 3] {
    let at = |dx, dy| picture.get_pixel(x + dx, y + dy).0;
    let corners = [at(0, 0), at(1, 0), at(0, 1), at(1, 1)];
    std::array::from_fn(|i| corners.iter().map(|corner| f32::from(corner[i])).sum::<f32>() / 4.0)
}

fn luma([r, g, b]: [u8; 3]) -> u8 {
    let [r, g, b] = [r, g, b].map(f32::from);
    (16.0 + 0.256_788 * r + 0.504_129 * g + 0.097_906 * b).round() as u8
}

fn blue([r, g, b]: [f32; 3]) -> u8 {
    (128.0 - 0.148_223 * r - 0.290_993 * g + 0.439_216 * b).round() as u8
}

fn red([r, g, b]: [f32; 3]) -> u8 {
    (128.0 + 0.439_216 * r - 0.367_788 * g - 0.071_427 * b).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_bars() {
        let check = |rgb: [u8; 3], yuv: [u8; 3]| {
            let wide = rgb.map(f32::from);
            let found = [luma(rgb), blue(wide), red(wide)];
            let near = found.iter().zip(yuv).all(|(found, expected)| found.abs_diff(expected) <= 1);
            assert!(near, "{rgb:?}: {found:?} is not {yuv:?}");
        };
        check([255, 255, 255], [235, 128, 128]);
        check([0, 0, 0], [16, 128, 128]);
        check([255, 0, 0], [82, 90, 240]);
        check([0, 255, 0], [145, 54, 34]);
        check([0, 0, 255], [41, 240, 110]);
    }
}
