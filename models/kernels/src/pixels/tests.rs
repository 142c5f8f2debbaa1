//! Every instruction set gives what a loop over single pixels gives, to the last bit.

use proptest::prelude::*;

use super::*;
use crate::testing::available;

fn bytes(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..count).map(|_| next()).collect()
}

/// What `work` fills `count` bytes with, which must be the same for every instruction set.
fn check(count: usize, expected: &[u8], work: impl Fn(Isa, &mut [u8])) {
    for isa in available() {
        let mut found = vec![0; count];
        work(isa, &mut found);
        assert_eq!(found, expected, "{}", isa.as_str());
    }
}

/// The same in 16.16 fixed point, as it is usually written.
fn fixed_point(y: u8, u: u8, v: u8) -> [u8; 3] {
    let (y, u, v) = ((i32::from(y) - 16) * 76_309, i32::from(u) - 128, i32::from(v) - 128);
    let clip = |value: i32| ((value + 32_768) >> 16).clamp(0, 255) as u8;
    [clip(y + 104_597 * v), clip(y - 25_675 * u - 53_279 * v), clip(y + 132_201 * u)]
}

/// The colour at (x, y), pixel by pixel.
fn bilinear(picture: &[u8], (width, height): (u32, u32), stride: usize, x: f32, y: f32) -> [u8; 3] {
    let (left, top) = (x.floor(), y.floor());
    let pixel = |dx: i32, dy: i32, c: usize| {
        let (x, y) = (left as i32 + dx, top as i32 + dy);
        let inside = (0..width as i32).contains(&x) && (0..height as i32).contains(&y);
        if inside { f32::from(picture[y as usize * stride + 3 * x as usize + c]) } else { 0.0 }
    };
    std::array::from_fn(|c| {
        let upper = pixel(0, 0, c) + (pixel(1, 0, c) - pixel(0, 0, c)) * (x - left);
        let lower = pixel(0, 1, c) + (pixel(1, 1, c) - pixel(0, 1, c)) * (x - left);
        (upper + (lower - upper) * (y - top) + 0.5) as u8
    })
}

proptest! {
    #[test]
    fn planes_are_scaled_and_shifted(
        seed in any::<u64>(), width in 0..200_usize, scale in 0.001_f32..2.0, shift in -3.0_f32..3.0,
    ) {
        let rgb = bytes(seed, 3 * width);
        for isa in available() {
            let (mut red, mut green, mut blue) = (vec![0.0; width], vec![0.0; width], vec![0.0; width]);
            let channels = [(&mut red, 1.0), (&mut green, 2.0), (&mut blue, 3.0)];
            planes(isa, &rgb, channels.map(|(plane, n)| Channel { plane, scale: scale * n, shift: shift * n }));
            for (n, plane) in [(1.0, red), (2.0, green), (3.0, blue)] {
                let bytes = rgb.iter().skip(n as usize - 1).step_by(3);
                let expected: Vec<f32> = bytes.map(|&b| f32::from(b) * (scale * n) + shift * n).collect();
                prop_assert_eq!(plane, expected, "{}", isa.as_str());
            }
        }
    }

    #[test]
    fn halving_is_the_mean_of_four(seed in any::<u64>(), width in 1..300_usize) {
        let (upper, lower) = (bytes(seed, 3 * width), bytes(!seed, 3 * width));
        let mean = |at: usize| {
            let (x, c) = (at / 3, at % 3);
            let next = 3 * (2 * x + 1).min(width - 1) + c;
            let sum: u16 = [6 * x + c, next].into_iter().map(|at| u16::from(upper[at]) + u16::from(lower[at])).sum();
            ((sum + 2) / 4) as u8
        };
        let count = width.div_ceil(2) * 3;
        let expected: Vec<u8> = (0..count).map(mean).collect();
        check(count, &expected, |isa, target| halve(isa, &upper, &lower, target));
    }

    #[test]
    fn any_line_through_any_picture(
        seed in any::<u64>(), width in 1..90_u32, height in 1..90_u32, pad in 0..7_usize, count in 0..170_usize,
        start in (-30.0_f32..120.0, -30.0_f32..120.0), step in (-2.0_f32..2.0, -2.0_f32..2.0), level in any::<bool>(),
    ) {
        let stride = 3 * width as usize + pad;
        let data = bytes(seed, stride * (height as usize - 1) + 3 * width as usize);
        let step = if level { (step.0, 0.0) } else { step };
        let colour = |n: usize| {
            let (x, y) = (start.0 + n as f32 * step.0, start.1 + n as f32 * step.1);
            bilinear(&data, (width, height), stride, x, y)
        };
        let expected: Vec<u8> = (0..count).flat_map(colour).collect();
        let picture = Rgb::new(&data, (width, height), stride);
        check(3 * count, &expected, |isa, target| sample(isa, picture, Line { start, step }, target));
    }

    #[test]
    fn camera_rows_at_half_size(seed in any::<u64>(), width in 0..200_usize, pad in 0..9_usize) {
        let count = 3 * width;
        let rows = [bytes(seed, 2 * width + pad), bytes(!seed, 2 * width + pad)];
        let (u, v) = (bytes(seed ^ 1, width + pad), bytes(seed ^ 2, width + pad));
        let luma = [&rows[0][..], &rows[1][..]];
        let mean = |x: usize| {
            let sum: u16 = luma.iter().map(|row| u16::from(row[2 * x]) + u16::from(row[2 * x + 1])).sum();
            ((sum + 2) / 4) as u8
        };
        let expected: Vec<u8> = (0..width).flat_map(|x| fixed_point(mean(x), u[x], v[x])).collect();
        check(count, &expected, |isa, rgb| planar_quartered(isa, luma, (&u, &v), rgb));
        let chroma: Vec<u8> = u.iter().zip(&v).flat_map(|(u, v)| [*u, *v]).collect();
        check(count, &expected, |isa, rgb| nv12_halved(isa, luma, &chroma, rgb));
        let expected: Vec<u8> = (0..width).flat_map(|x| [mean(x); 3]).collect();
        check(count, &expected, |isa, rgb| grey_halved(isa, luma, rgb));

        // The U and V of the second row are those of the first, one higher: their mean rounds up.
        let next = |value: u8| value.saturating_add(1);
        let up = |a: u8| (u16::from(a) + u16::from(next(a))).div_ceil(2) as u8;
        let quads = |row: &[u8], change: &dyn Fn(u8) -> u8| -> Vec<u8> {
            let quad = |x: usize| [row[2 * x], change(u[x]), row[2 * x + 1], change(v[x])];
            (0..width).flat_map(quad).chain(row[..pad].iter().copied()).collect()
        };
        let (upper, lower) = (quads(luma[0], &|value| value), quads(luma[1], &next));
        let expected: Vec<u8> = (0..width).flat_map(|x| fixed_point(mean(x), up(u[x]), up(v[x]))).collect();
        check(count, &expected, |isa, rgb| yuyv_halved(isa, [&upper, &lower], rgb));
    }

    #[test]
    fn camera_rows_at_any_width(seed in any::<u64>(), width in 0..200_usize, pad in 0..9_usize) {
        let count = 3 * width;
        let (luma, u, v) = (bytes(seed, width + pad), bytes(seed ^ 1, width + pad), bytes(seed ^ 2, width + pad));
        let half = |x: usize| fixed_point(luma[x], u[x / 2], v[x / 2]);
        let expected: Vec<u8> = (0..width).flat_map(half).collect();
        check(count, &expected, |isa, rgb| planar_halved(isa, &luma, (&u, &v), rgb));

        let chroma: Vec<u8> = u.iter().zip(&v).flat_map(|(u, v)| [*u, *v]).collect();
        check(count, &expected, |isa, rgb| nv12(isa, &luma, if width == 0 { &[] } else { &chroma }, rgb));

        let second = |x: usize| luma.get(2 * x + 1).copied().unwrap_or(9);
        let quads: Vec<u8> = (0..width.div_ceil(2)).flat_map(|x| [luma[2 * x], u[x], second(x), v[x]]).collect();
        let padded = [&quads[..], &luma[..pad]].concat();
        check(count, &expected, |isa, rgb| yuyv(isa, &padded, rgb));

        let expected: Vec<u8> = (0..width).flat_map(|x| fixed_point(luma[x], u[x], v[x])).collect();
        check(count, &expected, |isa, rgb| planar(isa, &luma, (&u, &v), rgb));
        let expected: Vec<u8> = luma[..width].iter().flat_map(|y| [*y; 3]).collect();
        check(count, &expected, |isa, rgb| grey(isa, &luma, rgb));
    }
}

#[test]
fn every_colour_is_that_of_the_fixed_point_factors() {
    // Red needs Y and V, blue Y and U; green all three, of which U in steps.
    let all: Vec<u8> = (0..=255).collect();
    for u in (0..=255).step_by(5) {
        for v in 0..=255 {
            let expected: Vec<u8> = all.iter().flat_map(|&y| fixed_point(y, u, v)).collect();
            let mut found = vec![0; 3 * 256];
            planar(Isa::best(), &all, (&[u; 256], &[v; 256]), &mut found);
            assert_eq!(found, expected, "{u} {v}");
        }
    }
}

#[test]
fn far_away_and_nowhere_is_black() {
    let data = [200; 27];
    let picture = Rgb::new(&data, (3, 3), 9);
    for far in [1e9_f32, -1e9, 3e38, -3e38, f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
        for line in [Line { start: (far, 1.0), step: (0.0, 0.0) }, Line { start: (1.0, far), step: (1.0, 0.0) }] {
            check(300, &[0; 300], |isa, target| sample(isa, picture, line, target));
        }
    }
}

#[test]
#[ignore = "times, does not check: for docs/performance.md"]
fn time_of_a_camera_frame() {
    let (yuyv_frame, mut rgb) = (bytes(7, 640 * 480 * 2), vec![0_u8; 640 * 480 * 3]);
    let mut time = |what: &str, work: &dyn Fn(&[u8], &mut [u8])| {
        let times = (0..50).map(|_| {
            let begun = std::time::Instant::now();
            for (row, rgb) in yuyv_frame.chunks(1280).zip(rgb.chunks_mut(1920)) {
                work(row, rgb);
            }
            begun.elapsed()
        });
        println!("YUYV 640x480, {what}: {:?}", times.min().unwrap());
    };
    time("pixel by pixel", &|row, rgb| {
        for (pixels, quad) in rgb.chunks_mut(6).zip(row.chunks_exact(4)) {
            for (pixel, y) in pixels.chunks_exact_mut(3).zip([quad[0], quad[2]]) {
                pixel.copy_from_slice(&fixed_point(y, quad[1], quad[3]));
            }
        }
    });
    for isa in available() {
        time(isa.as_str(), &|row, rgb| yuyv(isa, row, rgb));
    }
    let mut small = vec![0_u8; 320 * 240 * 3];
    for isa in available() {
        let times = (0..50).map(|_| {
            let begun = std::time::Instant::now();
            for (rows, rgb) in yuyv_frame.chunks(2 * 1280).zip(small.chunks_mut(960)) {
                yuyv_halved(isa, [&rows[..1280], &rows[1280..]], rgb);
            }
            begun.elapsed()
        });
        println!("YUYV 640x480 into half the size, {}: {:?}", isa.as_str(), times.min().unwrap());
    }
}
