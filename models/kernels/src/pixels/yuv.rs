//! Camera rows into RGB: BT.601, limited range.

#![expect(clippy::needless_range_loop, reason = "several arrays side by side, which the compiler makes vectors of")]

use super::{Work, on};
use crate::Isa;

/// A row of Y0 U Y1 V for each two pixels. Pixels of `rgb` without bytes are left as they are.
pub fn yuyv(isa: Isa, row: &[u8], rgb: &mut [u8]) {
    on(isa, Yuyv { row, rgb });
}

/// A row of luminance and one of U V for each two pixels.
///
/// # Panics
/// If a row is shorter than `rgb` asks for.
pub fn nv12(isa: Isa, luma: &[u8], chroma: &[u8], rgb: &mut [u8]) {
    let width = rgb.len() / 3;
    on(isa, Nv12 { luma: &luma[..width], chroma: &chroma[..width.next_multiple_of(2)], rgb });
}

/// Rows of luminance, U and V, one value of each for a pixel.
///
/// # Panics
/// If a row is shorter than `rgb` asks for.
pub fn planar(isa: Isa, luma: &[u8], chroma: (&[u8], &[u8]), rgb: &mut [u8]) {
    planes::<1>(isa, luma, chroma, rgb);
}

/// Rows of luminance, U and V, of U and V one value for two pixels.
///
/// # Panics
/// If a row is shorter than `rgb` asks for.
pub fn planar_halved(isa: Isa, luma: &[u8], chroma: (&[u8], &[u8]), rgb: &mut [u8]) {
    planes::<2>(isa, luma, chroma, rgb);
}

/// `ACROSS`: pixels that share a value of U and V.
fn planes<const ACROSS: usize>(isa: Isa, luma: &[u8], (u, v): (&[u8], &[u8]), rgb: &mut [u8]) {
    const { assert!(ACROSS == 1 || ACROSS == 2) };
    let width = rgb.len() / 3;
    let chroma = width.div_ceil(ACROSS);
    on(isa, Planar::<ACROSS> { luma: &luma[..width], u: &u[..chroma], v: &v[..chroma], rgb });
}

/// A row of luminance, taken as it is: cameras that give nothing else use its full range.
///
/// # Panics
/// If the row is shorter than `rgb` asks for.
pub fn grey(isa: Isa, luma: &[u8], rgb: &mut [u8]) {
    let width = rgb.len() / 3;
    on(isa, Grey { luma: &luma[..width], rgb });
}

struct Yuyv<'a> {
    row: &'a [u8],
    rgb: &'a mut [u8],
}

struct Nv12<'a> {
    luma: &'a [u8],
    chroma: &'a [u8],
    rgb: &'a mut [u8],
}

struct Planar<'a, const ACROSS: usize> {
    luma: &'a [u8],
    u: &'a [u8],
    v: &'a [u8],
    rgb: &'a mut [u8],
}

struct Grey<'a> {
    luma: &'a [u8],
    rgb: &'a mut [u8],
}

/// Pairs of pixels of a block.
const PAIRS: usize = 32;
/// Pixels of a block.
const BLOCK: usize = 2 * PAIRS;

impl Work for Yuyv<'_> {
    #[inline(always)]
    fn run(self) {
        let rows = self.row.as_chunks::<4>().0.as_chunks::<PAIRS>().0;
        let targets = self.rgb.as_chunks_mut::<{ 3 * BLOCK }>().0;
        let whole = rows.len().min(targets.len());
        for (row, target) in rows.iter().zip(targets) {
            let mut pairs = Pairs::new();
            for (n, quad) in row.iter().enumerate() {
                let quad = u32::from_le_bytes(*quad);
                pairs.first[n] = quad as u8;
                pairs.u[n] = (quad >> 8) as u8;
                pairs.second[n] = (quad >> 16) as u8;
                pairs.v[n] = (quad >> 24) as u8;
            }
            pairs.write(target);
        }
        let rest = &self.row[2 * BLOCK * whole..];
        for (pixels, quad) in self.rgb[3 * BLOCK * whole..].chunks_mut(6).zip(rest.chunks_exact(4)) {
            for (pixel, y) in pixels.chunks_exact_mut(3).zip([quad[0], quad[2]]) {
                put(pixel, colour(y, quad[1], quad[3]));
            }
        }
    }
}

impl Work for Nv12<'_> {
    #[inline(always)]
    fn run(self) {
        let at = |x: usize| colour(self.luma[x], self.chroma[x / 2 * 2], self.chroma[x / 2 * 2 + 1]);
        by_blocks(self.rgb, at, |first, pairs| {
            pairs.take_luma(part(self.luma, first));
            let chroma: &[u8; BLOCK] = part(self.chroma, first);
            for (n, uv) in chroma.as_chunks::<2>().0.iter().enumerate() {
                (pairs.u[n], pairs.v[n]) = (uv[0], uv[1]);
            }
        });
    }
}

impl<const ACROSS: usize> Work for Planar<'_, ACROSS> {
    #[inline(always)]
    fn run(self) {
        let at = |x: usize| colour(self.luma[x], self.u[x / ACROSS], self.v[x / ACROSS]);
        if ACROSS == 2 {
            by_blocks(self.rgb, at, |first, pairs| {
                pairs.take_luma(part(self.luma, first));
                pairs.u = *part(self.u, first / 2);
                pairs.v = *part(self.v, first / 2);
            });
        } else {
            // A colour of its own for each pixel: cameras do not give that, recordings may.
            for (x, pixel) in self.rgb.chunks_exact_mut(3).enumerate() {
                put(pixel, at(x));
            }
        }
    }
}

impl Work for Grey<'_> {
    #[inline(always)]
    fn run(self) {
        for (pixel, y) in self.rgb.as_chunks_mut::<3>().0.iter_mut().zip(self.luma) {
            *pixel = [*y; 3];
        }
    }
}

/// Luminance of the first and the second pixel of each pair, and the U and V they share.
struct Pairs {
    first: [u8; PAIRS],
    second: [u8; PAIRS],
    u: [u8; PAIRS],
    v: [u8; PAIRS],
}

impl Pairs {
    #[inline(always)]
    fn new() -> Self {
        Self { first: [0; PAIRS], second: [0; PAIRS], u: [0; PAIRS], v: [0; PAIRS] }
    }

    #[inline(always)]
    fn take_luma(&mut self, luma: &[u8; BLOCK]) {
        for (n, pair) in luma.as_chunks::<2>().0.iter().enumerate() {
            (self.first[n], self.second[n]) = (pair[0], pair[1]);
        }
    }

    #[inline(always)]
    fn write(&self, target: &mut [u8; 3 * BLOCK]) {
        let (mut first, mut second) = ([0; PAIRS], [0; PAIRS]);
        for n in 0..PAIRS {
            first[n] = colour(self.first[n], self.u[n], self.v[n]);
        }
        for n in 0..PAIRS {
            second[n] = colour(self.second[n], self.u[n], self.v[n]);
        }
        // Eight bytes at a time, of which the next pair covers the last two; those of the last pair are left out.
        let pair = |n: usize| (u64::from(first[n]) | u64::from(second[n]) << 24).to_le_bytes();
        for n in 0..PAIRS - 1 {
            target[6 * n..6 * n + 8].copy_from_slice(&pair(n));
        }
        target[3 * BLOCK - 6..].copy_from_slice(&pair(PAIRS - 1)[..6]);
    }
}

/// Fills `rgb`: whole blocks with what `block` takes, which is told where they begin; the pixels after them one by
/// one with `at`.
#[inline(always)]
fn by_blocks(rgb: &mut [u8], at: impl Fn(usize) -> u32, block: impl Fn(usize, &mut Pairs)) {
    let (targets, rest) = rgb.as_chunks_mut();
    let done = targets.len() * BLOCK;
    for (index, target) in targets.iter_mut().enumerate() {
        let mut pairs = Pairs::new();
        block(index * BLOCK, &mut pairs);
        pairs.write(target);
    }
    for (x, pixel) in rest.chunks_exact_mut(3).enumerate() {
        put(pixel, at(done + x));
    }
}

#[inline(always)]
fn part<const N: usize>(row: &[u8], first: usize) -> &[u8; N] {
    row[first..].first_chunk().expect("a whole block of pixels")
}

#[inline(always)]
pub(super) fn put(pixel: &mut [u8], colour: u32) {
    pixel.copy_from_slice(&colour.to_le_bytes()[..3]);
}

/// BT.601, limited range, exactly as in 16.16 fixed point with the factors 76309 (Y), 104597, 53279 (V), 25675,
/// 132201 (U): their whole parts are taken out, so that all that is multiplied fits into 16 bits, which every
/// processor does several times faster.
#[inline(always)]
pub(super) fn colour(y: u8, u: u8, v: u8) -> u32 {
    let (y, u, v) = (i32::from(y) - 16, i32::from(u) - 128, i32::from(v) - 128);
    let luma = y * 10_773 + 32_768;
    let red = y + 2 * v + ((luma - 26_475 * v) >> 16);
    let green = y - v + ((luma - 25_675 * u + 12_257 * v) >> 16);
    let blue = y + 2 * u + ((luma + 1_129 * u) >> 16);
    let clip = |value: i32| value.clamp(0, 255).cast_unsigned();
    clip(red) | clip(green) << 8 | clip(blue) << 16
}
