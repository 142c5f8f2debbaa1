//! Raw pixels into RGB, row by row.

use ostiary_kernels::{Isa, pixels};

use super::{PixelFormat, RawPicture};

/// Fills `rgb` (3 bytes a pixel, no padding). The picture's size was checked.
pub fn fill(picture: &RawPicture, rgb: &mut [u8]) {
    let (isa, width) = (Isa::best(), picture.width as usize);
    for (y, row) in rgb.chunks_exact_mut(3 * width).enumerate() {
        let line = line(picture, y);
        match picture.format {
            PixelFormat::Rgb => row.copy_from_slice(&line[..3 * width]),
            PixelFormat::Grey => pixels::grey(isa, line, row),
            PixelFormat::Yuyv => pixels::yuyv(isa, line, row),
            PixelFormat::Nv12 => pixels::nv12(isa, line, interleaved_chroma(picture, y), row),
            PixelFormat::I420 => pixels::planar_halved(isa, line, chroma(picture, y, 2, 2), row),
            PixelFormat::I422 => pixels::planar_halved(isa, line, chroma(picture, y, 2, 1), row),
            PixelFormat::I444 => pixels::planar(isa, line, chroma(picture, y, 1, 1), row),
            PixelFormat::Jpeg => {}
        }
    }
}

fn line(picture: &RawPicture, y: usize) -> &[u8] {
    &picture.data[y * picture.stride..]
}

fn interleaved_chroma(picture: &RawPicture, y: usize) -> &[u8] {
    line(picture, picture.height as usize + y / 2)
}

/// The rows of U and V for row `y`; their planes are smaller by `across` and `down`.
fn chroma(picture: &RawPicture, y: usize, across: usize, down: usize) -> (&[u8], &[u8]) {
    let height = picture.height as usize;
    let stride = picture.stride.div_ceil(across);
    let start_u = picture.stride * height;
    let start_v = start_u + stride * height.div_ceil(down);
    (&picture.data[start_u + stride * (y / down)..], &picture.data[start_v + stride * (y / down)..])
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
