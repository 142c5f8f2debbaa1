//! Camera rows into RGB of half the size, in one pass: the mean of luminance over 2x2 pixels with the U and V they share.
//! A quarter of the colours of the whole picture are worked out, and a quarter of the bytes written.

use super::yuv::{colour, put};
use super::{BLOCK, Work, on, pack};
use crate::Isa;

/// Two rows of Y0 U Y1 V for each two pixels.
///
/// # Panics
/// If a row is shorter than `rgb` (3 bytes for each two pixels) asks for.
pub fn yuyv_halved(isa: Isa, rows: [&[u8]; 2], rgb: &mut [u8]) {
    let bytes = rgb.len() / 3 * 4;
    on(isa, Yuyv { rows: rows.map(|row| &row[..bytes]), rgb });
}

/// Two rows of luminance and the row of U V they share.
///
/// # Panics
/// As [`yuyv_halved`].
pub fn nv12_halved(isa: Isa, luma: [&[u8]; 2], chroma: &[u8], rgb: &mut [u8]) {
    let bytes = rgb.len() / 3 * 2;
    on(isa, Nv12 { luma: luma.map(|row| &row[..bytes]), chroma: &chroma[..bytes], rgb });
}

/// Two rows of luminance and the rows of U and V they share.
///
/// # Panics
/// As [`yuyv_halved`].
pub fn planar_quartered(isa: Isa, luma: [&[u8]; 2], (u, v): (&[u8], &[u8]), rgb: &mut [u8]) {
    let width = rgb.len() / 3;
    on(isa, Planar { luma: luma.map(|row| &row[..2 * width]), u: &u[..width], v: &v[..width], rgb });
}

/// Two rows of luminance, taken as they are.
///
/// # Panics
/// As [`yuyv_halved`].
pub fn grey_halved(isa: Isa, luma: [&[u8]; 2], rgb: &mut [u8]) {
    let bytes = rgb.len() / 3 * 2;
    on(isa, Grey { luma: luma.map(|row| &row[..bytes]), rgb });
}

struct Yuyv<'a> {
    rows: [&'a [u8]; 2],
    rgb: &'a mut [u8],
}

struct Nv12<'a> {
    luma: [&'a [u8]; 2],
    chroma: &'a [u8],
    rgb: &'a mut [u8],
}

struct Planar<'a> {
    luma: [&'a [u8]; 2],
    u: &'a [u8],
    v: &'a [u8],
    rgb: &'a mut [u8],
}

struct Grey<'a> {
    luma: [&'a [u8]; 2],
    rgb: &'a mut [u8],
}

impl Work for Yuyv<'_> {
    #[inline(always)]
    fn run(self) {
        let ([upper, upper_rest], [lower, lower_rest]) = (blocks::<4>(self.rows[0]), blocks::<4>(self.rows[1]));
        let (targets, rest) = self.rgb.as_chunks_mut::<{ 3 * BLOCK }>();
        for ((upper, lower), target) in
            upper.as_chunks::<{ 4 * BLOCK }>().0.iter().zip(lower.as_chunks().0).zip(targets)
        {
            let mut pixels = [0; BLOCK];
            quads(upper, lower, &mut pixels);
            pack(&pixels, target);
        }
        let quads = upper_rest.as_chunks::<4>().0.iter().zip(lower_rest.as_chunks::<4>().0);
        for (pixel, (up, low)) in rest.as_chunks_mut::<3>().0.iter_mut().zip(quads) {
            put(pixel, colour(mean4(up[0], up[2], low[0], low[2]), mean2(up[1], low[1]), mean2(up[3], low[3])));
        }
    }
}

/// The colours of a block, from quads of both rows.
#[inline(always)]
fn quads(upper: &[u8; 4 * BLOCK], lower: &[u8; 4 * BLOCK], pixels: &mut [u32; BLOCK]) {
    let (mut y, mut u, mut v) = ([0_u8; BLOCK], [0_u8; BLOCK], [0_u8; BLOCK]);
    let (upper, lower) = (upper.as_chunks::<4>().0, lower.as_chunks::<4>().0);
    for n in 0..BLOCK {
        let (up, low) = (u32::from_le_bytes(upper[n]), u32::from_le_bytes(lower[n]));
        // Two sums at once, each in 16 bits of its own: of luminance, and of U and V.
        let luma = (up & 0x00ff_00ff) + (low & 0x00ff_00ff);
        let chroma = (up >> 8 & 0x00ff_00ff) + (low >> 8 & 0x00ff_00ff) + 0x0001_0001;
        y[n] = ((luma + (luma >> 16) + 2) >> 2) as u8;
        u[n] = (chroma >> 1) as u8;
        v[n] = (chroma >> 17) as u8;
    }
    for n in 0..BLOCK {
        pixels[n] = colour(y[n], u[n], v[n]);
    }
}

impl Work for Nv12<'_> {
    #[inline(always)]
    fn run(self) {
        let [upper, lower] = self.luma;
        let chroma = self.chroma.as_chunks::<2>().0;
        by_blocks(self.rgb, [upper, lower], |n| (chroma[n][0], chroma[n][1]));
    }
}

impl Work for Planar<'_> {
    #[inline(always)]
    fn run(self) {
        let (u, v) = (self.u, self.v);
        by_blocks(self.rgb, self.luma, |n| (u[n], v[n]));
    }
}

impl Work for Grey<'_> {
    #[inline(always)]
    fn run(self) {
        let [upper, lower] = self.luma.map(|row| row.as_chunks::<2>().0);
        for ((pixel, up), low) in self.rgb.as_chunks_mut::<3>().0.iter_mut().zip(upper).zip(lower) {
            *pixel = [mean4(up[0], up[1], low[0], low[1]); 3];
        }
    }
}

/// Fills `rgb` from two rows of luminance and what `chroma` says is the U and V of a pixel.
#[inline(always)]
fn by_blocks(rgb: &mut [u8], luma: [&[u8]; 2], chroma: impl Fn(usize) -> (u8, u8)) {
    let [upper, lower] = luma.map(|row| row.as_chunks::<2>().0);
    let (targets, rest) = rgb.as_chunks_mut::<{ 3 * BLOCK }>();
    let done = targets.len() * BLOCK;
    let blocks = upper.as_chunks::<BLOCK>().0.iter().zip(lower.as_chunks::<BLOCK>().0);
    for (index, (target, (upper, lower))) in targets.iter_mut().zip(blocks).enumerate() {
        let (mut y, mut u, mut v) = ([0_u8; BLOCK], [0_u8; BLOCK], [0_u8; BLOCK]);
        for n in 0..BLOCK {
            y[n] = mean4(upper[n][0], upper[n][1], lower[n][0], lower[n][1]);
            (u[n], v[n]) = chroma(index * BLOCK + n);
        }
        let mut pixels = [0; BLOCK];
        for n in 0..BLOCK {
            pixels[n] = colour(y[n], u[n], v[n]);
        }
        pack(&pixels, target);
    }
    for (n, pixel) in rest.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        let (up, low, (u, v)) = (upper[done + n], lower[done + n], chroma(done + n));
        put(pixel, colour(mean4(up[0], up[1], low[0], low[1]), u, v));
    }
}

/// A row's whole blocks of `BYTES` a pixel, and what is left.
#[inline(always)]
fn blocks<const BYTES: usize>(row: &[u8]) -> [&[u8]; 2] {
    let (whole, rest) = row.split_at(row.len() / (BYTES * BLOCK) * (BYTES * BLOCK));
    [whole, rest]
}

#[inline(always)]
const fn mean4(a: u8, b: u8, c: u8, d: u8) -> u8 {
    ((a as u16 + b as u16 + c as u16 + d as u16 + 2) >> 2) as u8
}

#[inline(always)]
const fn mean2(a: u8, b: u8) -> u8 {
    ((a as u16 + b as u16 + 1) >> 1) as u8
}
