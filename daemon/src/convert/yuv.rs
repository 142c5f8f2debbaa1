//! Raw pixels into RGB, row by row.

use super::{PixelFormat, RawPicture};

/// Fills `rgb` (3 bytes a pixel, no padding). The picture's size was checked.
pub fn fill(picture: &RawPicture, rgb: &mut [u8]) {
    let width = picture.width as usize;
    for (y, row) in rgb.chunks_exact_mut(3 * width).enumerate() {
        match picture.format {
            PixelFormat::Rgb => row.copy_from_slice(&line(picture, y)[..3 * width]),
            PixelFormat::Grey => grey(&line(picture, y)[..width], row),
            PixelFormat::Yuyv => yuyv(line(picture, y), row),
            PixelFormat::Nv12 => nv12(picture, y, row),
            PixelFormat::I420 => planar(picture, y, row, 2, 2),
            PixelFormat::I422 => planar(picture, y, row, 2, 1),
            PixelFormat::I444 => planar(picture, y, row, 1, 1),
            PixelFormat::Jpeg => {}
        }
    }
}

fn line(picture: &RawPicture, y: usize) -> &[u8] {
    &picture.data[y * picture.stride..]
}

fn grey(line: &[u8], row: &mut [u8]) {
    for (pixel, &y) in row.chunks_exact_mut(3).zip(line) {
        pixel.fill(y);
    }
}

fn yuyv(line: &[u8], row: &mut [u8]) {
    for (pixels, quad) in row.chunks_mut(6).zip(line.chunks_exact(4)) {
        for (pixel, y) in pixels.chunks_exact_mut(3).zip([quad[0], quad[2]]) {
            pixel.copy_from_slice(&to_rgb(y, quad[1], quad[3]));
        }
    }
}

fn nv12(picture: &RawPicture, y: usize, row: &mut [u8]) {
    let luma = line(picture, y);
    let chroma = &picture.data[picture.stride * (picture.height as usize + y / 2)..];
    for (x, pixel) in row.chunks_exact_mut(3).enumerate() {
        let pair = x / 2 * 2;
        pixel.copy_from_slice(&to_rgb(luma[x], chroma[pair], chroma[pair + 1]));
    }
}

/// Planes U and V are smaller by `across` and `down`.
fn planar(picture: &RawPicture, y: usize, row: &mut [u8], across: usize, down: usize) {
    let height = picture.height as usize;
    let stride_c = picture.stride.div_ceil(across);
    let start_u = picture.stride * height;
    let start_v = start_u + stride_c * height.div_ceil(down);
    let (u, v) = (&picture.data[start_u + stride_c * (y / down)..], &picture.data[start_v + stride_c * (y / down)..]);
    for ((x, pixel), &luma) in row.chunks_exact_mut(3).enumerate().zip(line(picture, y)) {
        pixel.copy_from_slice(&to_rgb(luma, u[x / across], v[x / across]));
    }
}

/// BT.601, limited range, in 16.16 fixed point.
fn to_rgb(y: u8, u: u8, v: u8) -> [u8; 3] {
    let (y, u, v) = ((i32::from(y) - 16) * 76_309, i32::from(u) - 128, i32::from(v) - 128);
    let clip = |value: i32| u8::try_from(((value + 32_768) >> 16).clamp(0, 255)).unwrap_or(u8::MAX);
    [clip(y + 104_597 * v), clip(y - 25_675 * u - 53_279 * v), clip(y + 132_201 * u)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The colours of the standard bars, in YUV and RGB.
    const BARS: [([u8; 3], [u8; 3]); 5] = [
        ([235, 128, 128], [255, 255, 255]),
        ([16, 128, 128], [0, 0, 0]),
        ([81, 90, 240], [255, 0, 0]),
        ([145, 54, 34], [0, 255, 0]),
        ([41, 240, 110], [0, 0, 255]),
    ];

    fn check(format: PixelFormat, width: u32, height: u32, stride: usize, make: impl Fn([u8; 3]) -> Vec<u8>) {
        for (yuv, expected) in BARS {
            let picture = RawPicture { format, width, height, stride, data: make(yuv) };
            let rgb = picture.to_rgb().unwrap();
            for pixel in rgb.as_raw().chunks_exact(3) {
                let near = pixel.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 2);
                assert!(near, "{format:?} {yuv:?}: {pixel:?} is not {expected:?}");
            }
        }
    }

    #[test]
    fn every_format_gives_the_same_colours_at_odd_sizes_and_padded_rows() {
        check(PixelFormat::Yuyv, 4, 2, 10, |[y, u, v]| [&[y, u, y, v, y, u, y, v, 9, 9][..]; 2].concat());
        check(PixelFormat::Yuyv, 3, 1, 8, |[y, u, v]| vec![y, u, y, v, y, u, 7, v]);
        check(PixelFormat::Nv12, 4, 2, 6, |[y, u, v]| vec![y, y, y, y, 9, 9, y, y, y, y, 9, 9, u, v, u, v]);
        check(PixelFormat::Nv12, 3, 3, 4, |[y, u, v]| [vec![y; 12], vec![u, v, u, v, u, v, u, v]].concat());
        check(PixelFormat::I420, 3, 3, 3, |[y, u, v]| [vec![y; 9], vec![u; 4], vec![v; 4]].concat());
        check(PixelFormat::I422, 4, 2, 4, |[y, u, v]| [vec![y; 8], vec![u; 4], vec![v; 4]].concat());
        check(PixelFormat::I444, 2, 2, 2, |[y, u, v]| [vec![y; 4], vec![u; 4], vec![v; 4]].concat());
    }

    #[test]
    fn grey_and_rgb_are_taken_as_they_are() {
        let grey = RawPicture { format: PixelFormat::Grey, width: 2, height: 2, stride: 3, data: vec![1, 2, 9, 3, 4] };
        assert_eq!(grey.to_rgb().unwrap().as_raw(), [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
        let rgb =
            RawPicture { format: PixelFormat::Rgb, width: 1, height: 2, stride: 4, data: vec![1, 2, 3, 9, 4, 5, 6] };
        assert_eq!(rgb.to_rgb().unwrap().as_raw(), [1, 2, 3, 4, 5, 6]);
    }
}
