//! A camera's JPEG at half its size: of each block of 8x8 only the 4x4 slowest waves are worked out, into 4x4 pixels. The
//! others are passed over in the code, which is most of what decoding costs.
//!
//! With colours, levels come out as cameras send raw ones (limited range), so that the same kernels make RGB of them; light
//! alone as it is.

use ostiary_kernels::{Isa, pixels};
use ostiary_models::frame::RgbImage;

use super::header::{Component, Header};
use super::huffman::{Bits, PAD};

/// Columns and rows of a block's pixels.
const SIDE: usize = 4;
/// Where the waves of zigzag order stand in a block, row times eight plus column.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];
/// From full to limited range: of light and of colour.
const SHRINK: [f32; 3] = [219.0 / 255.0, 224.0 / 255.0, 224.0 / 255.0];
/// The level of a block without waves: the middle of full range, of light as limited range has it.
const MIDDLE: [f32; 3] = [16.0 + 128.0 * 219.0 / 255.0, 128.0, 128.0];

/// A picture's planes at half its size.
pub struct Planes {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    across: usize,
    down: usize,
    /// Bytes from a row of light to the next.
    pub stride: usize,
    /// Light, then U and V.
    pub levels: [Vec<u8>; 3],
}

/// Why a JPEG gives no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged;

impl Planes {
    /// Decodes; `None` for a kind of JPEG that is left to the library. With `only_light` colours are not worked out. What
    /// `levels` held is written over: new memory for every frame costs as much as its pixels.
    ///
    /// # Errors
    /// [`Damaged`] if the scan is cut short or is none.
    pub fn decode(bytes: &[u8], only_light: bool, mut levels: [Vec<u8>; 3]) -> Result<Option<Self>, Damaged> {
        let Some(header) = Header::read(bytes) else { return Ok(None) };
        if !header.width.is_multiple_of(2) || !header.height.is_multiple_of(2) {
            return Ok(None);
        }
        let [light, colour, _] = &header.components;
        let units_x = header.width.div_ceil(8 * light.across);
        let units_y = header.height.div_ceil(8 * light.down);
        let bytes = |part: &Component| units_x * part.across * SIDE * units_y * part.down * SIDE;
        levels[0].resize(bytes(light), 0);
        levels[1..].iter_mut().for_each(|level| level.resize(if only_light { 0 } else { bytes(colour) }, 0));
        let mut planes = Self {
            width: header.width / 2,
            height: header.height / 2,
            across: light.across / colour.across,
            down: light.down / colour.down,
            stride: units_x * light.across * SIDE,
            levels,
        };
        planes.scan(&header, units_x, units_y, only_light)?;
        Ok(Some(planes))
    }

    fn scan(&mut self, header: &Header<'_>, units_x: usize, units_y: usize, only_light: bool) -> Result<(), Damaged> {
        let parts = parts(header.scan);
        let mut parts = parts.iter();
        let (shrink, middle) = if only_light { ([1.0; 3], [128.0; 3]) } else { (SHRINK, MIDDLE) };
        let waves: [Waves; 3] = std::array::from_fn(|n| Waves::new(&header.components[n], shrink[n]));
        let (mut bits, mut before) = (Bits::new(parts.next().ok_or(Damaged)?), [0; 3]);
        let mut left = header.restart;
        for y in 0..units_y {
            for x in 0..units_x {
                if header.restart > 0 && left == 0 {
                    (bits, before) = (Bits::new(parts.next().ok_or(Damaged)?), [0; 3]);
                    left = header.restart;
                }
                left = left.wrapping_sub(1);
                for (n, component) in header.components.iter().enumerate() {
                    let (across, down) = (component.across, component.down);
                    let stride = units_x * across * SIDE;
                    for row in y * down..(y + 1) * down {
                        for column in x * across..(x + 1) * across {
                            let found = waves[n].block(&mut bits, component, &mut before[n]).ok_or(Damaged)?;
                            if n == 0 || !only_light {
                                let at = (row * stride + column) * SIDE;
                                found.draw(middle[n], &mut self.levels[n][at..], stride);
                            }
                        }
                    }
                }
            }
            if bits.is_over() {
                return Err(Damaged);
            }
        }
        Ok(())
    }

    /// The picture.
    pub fn to_rgb(&self) -> RgbImage {
        let mut rgb = RgbImage::black(self.width as u32, self.height as u32);
        let (isa, narrow) = (Isa::best(), self.stride / self.across);
        let [light, u, v] = &self.levels;
        for (y, row) in rgb.as_raw_mut().chunks_exact_mut(3 * self.width).enumerate() {
            let (light, at) = (&light[y * self.stride..], y / self.down * narrow);
            let colour = (&u[at..], &v[at..]);
            match self.across {
                2 => pixels::planar_halved(isa, light, colour, row),
                _ => pixels::planar(isa, light, colour, row),
            }
        }
        rgb
    }
}

/// The scan's parts between restarts, stuffing taken out and padded.
fn parts(scan: &[u8]) -> Vec<Vec<u8>> {
    let (mut found, mut part, mut rest) = (Vec::new(), Vec::with_capacity(scan.len() + PAD), scan);
    loop {
        let at = rest.iter().position(|byte| *byte == 0xff).unwrap_or(rest.len());
        part.extend_from_slice(&rest[..at]);
        match rest.get(at + 1) {
            Some(0) => part.push(0xff),
            Some(0xd0..=0xd7) => {
                part.resize(part.len() + PAD, 0);
                found.push(std::mem::take(&mut part));
            }
            // The end, or nothing that belongs into a scan.
            _ => {
                part.resize(part.len() + PAD, 0);
                found.push(part);
                return found;
            }
        }
        rest = &rest[at + 2..];
    }
}

/// What the values of a component are multiplied with, and where they belong.
struct Waves {
    /// In zigzag order: place in the 4x4, 16 for those that are passed over; and the factor.
    places: [(u8, f32); 64],
}

/// A block's slow waves.
struct Block {
    values: [f32; 16],
    is_flat: bool,
}

impl Waves {
    fn new(component: &Component, shrink: f32) -> Self {
        let place = |n: usize| {
            let (row, column) = (ZIGZAG[n] / 8, ZIGZAG[n] % 8);
            let at = if row < 4 && column < 4 { row * 4 + column } else { 16 };
            // A wave of 8 into one of 4: half as high. What the transform multiplies with stands there.
            (at, f32::from(component.factors[n]) * shrink * 0.5)
        };
        Self { places: std::array::from_fn(place) }
    }

    /// Reads a block; `before` is the first value of the block before it. `None` if the code is none.
    #[inline(always)]
    fn block(&self, bits: &mut Bits<'_>, component: &Component, before: &mut i32) -> Option<Block> {
        let mut block = Block { values: [0.0; 16], is_flat: true };
        let (size, change) = bits.next(&component.first)?;
        if size > 15 {
            return None;
        }
        *before = before.wrapping_add(change);
        block.values[0] = *before as f32 * self.places[0].1;
        let mut n = 1;
        while n < 64 {
            let (symbol, value) = bits.next(&component.others)?;
            let run = usize::from(symbol >> 4);
            if symbol & 15 == 0 {
                // Sixteen zeros, or no more values.
                if run != 15 {
                    break;
                }
                n += 16;
                continue;
            }
            n += run;
            let (place, factor) = *self.places.get(n)?;
            if let Some(slow) = block.values.get_mut(usize::from(place)) {
                *slow = value as f32 * factor;
                block.is_flat = false;
            }
            n += 1;
        }
        Some(block)
    }
}

impl Block {
    /// Draws its 4x4 pixels.
    #[inline(always)]
    fn draw(&self, middle: f32, target: &mut [u8], stride: usize) {
        if self.is_flat {
            let row = [level(self.values[0] * 0.25 + middle); SIDE];
            (0..SIDE).for_each(|y| put(target, y * stride, row));
            return;
        }
        let rows = self.values.as_chunks::<SIDE>().0;
        let columns = turned(&inverse([rows[0], rows[1], rows[2], rows[3]]));
        let pixels = turned(&inverse(columns));
        for (y, row) in pixels.iter().enumerate() {
            put(target, y * stride, row.map(|wave| level(wave + middle)));
        }
    }
}

/// The nearest level. Beside this number, which leaves no room for fractions, the low byte is the level: a cast, which sees
/// to values that are none, is made one by one.
#[inline(always)]
fn level(value: f32) -> u8 {
    const NO_FRACTIONS: f32 = 8_388_608.0;
    (value.clamp(0.0, 255.0) + NO_FRACTIONS).to_bits() as u8
}

#[inline(always)]
fn put(target: &mut [u8], at: usize, row: [u8; SIDE]) {
    target[at..at + SIDE].copy_from_slice(&row);
}

/// The inverse transform of four values, of four columns at once.
#[inline(always)]
fn inverse(waves: [[f32; SIDE]; SIDE]) -> [[f32; SIDE]; SIDE] {
    // cos(pi/8) and cos(3 pi/8), times the square root of a half.
    const SLOW: f32 = 0.653_281_5;
    const FAST: f32 = 0.270_598_05;
    let mut found = [[0.0; SIDE]; SIDE];
    for n in 0..SIDE {
        let (even, odd) = (0.5 * (waves[0][n] + waves[2][n]), SLOW * waves[1][n] + FAST * waves[3][n]);
        let (inner, turned) = (0.5 * (waves[0][n] - waves[2][n]), FAST * waves[1][n] - SLOW * waves[3][n]);
        found[0][n] = even + odd;
        found[1][n] = inner + turned;
        found[2][n] = inner - turned;
        found[3][n] = even - odd;
    }
    found
}

#[inline(always)]
fn turned(rows: &[[f32; SIDE]; SIDE]) -> [[f32; SIDE]; SIDE] {
    std::array::from_fn(|x| std::array::from_fn(|y| rows[y][x]))
}

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;
    use image::{ExtendedColorType, ImageEncoder};
    use proptest::prelude::*;

    use super::*;
    use crate::convert::jpeg::{decode, encode_within};

    /// Something like a picture: slopes, and a few edges.
    fn picture(width: u32, height: u32, seed: u32) -> RgbImage {
        let level = |x: u32, y: u32, c: u32| {
            let edge = if (x / 23 + y / 31 + seed).is_multiple_of(3) { 60 } else { 0 };
            (40 + edge + (x * (c + 1) / 3 + y * (3 - c) / 2 + seed) % 150) as u8
        };
        let pixels =
            (0..height).flat_map(|y| (0..width).flat_map(move |x| [level(x, y, 0), level(x, y, 1), level(x, y, 2)]));
        RgbImage::from_raw(width, height, pixels.collect()).unwrap()
    }

    fn half(bytes: &[u8]) -> Result<Option<RgbImage>, Damaged> {
        Ok(Planes::decode(bytes, false, Default::default())?.map(|planes| planes.to_rgb()))
    }

    /// The mean of how far a half is from the mean of the whole's pixels.
    fn difference(half: &RgbImage, whole: &RgbImage) -> f64 {
        let mut sum = 0;
        for (at, pixel) in half.as_raw().as_chunks::<3>().0.iter().enumerate() {
            let (x, y) = (2 * (at % half.width() as usize), 2 * (at / half.width() as usize));
            for (c, found) in pixel.iter().enumerate() {
                let value = |dx: usize, dy: usize| i32::from(whole.view().row((y + dy) as u32)[3 * (x + dx) + c]);
                sum += ((value(0, 0) + value(1, 0) + value(0, 1) + value(1, 1) + 2) / 4 - i32::from(*found)).abs();
            }
        }
        f64::from(sum) / half.as_raw().len() as f64
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_is_the_whole_made_smaller(width in 1..70_u32, height in 1..50_u32, seed in 0..1000_u32, quality in 30..95_u8) {
            let whole = picture(2 * width, 2 * height, seed);
            let mut bytes = Vec::new();
            JpegEncoder::new_with_quality(&mut bytes, quality)
                .write_image(whole.as_raw(), whole.width(), whole.height(), ExtendedColorType::Rgb8)
                .unwrap();
            let found = half(&bytes).unwrap().expect("of a kind that is taken");
            prop_assert_eq!((found.width(), found.height()), (width, height));
            let far = difference(&found, &decode(&bytes).unwrap());
            // Edges lie between pixels in one and not in the other; what is wrong is tens off.
            prop_assert!(far < 6.0, "{}", far);
        }

        #[test]
        fn any_bytes_and_any_cut_and_change(
            noise in proptest::collection::vec(any::<u8>(), 0..200), seed in 0..99_u32, cut in 0..2000_usize,
            at in 0..2000_usize, byte in any::<u8>(),
        ) {
            let _ = half(&noise);
            let mut bytes = encode_within(&picture(48, 32, seed), 1 << 16).unwrap();
            let n = at % bytes.len();
            bytes[n] = byte;
            let _ = half(&bytes);
            bytes.truncate(cut);
            let _ = half(&bytes);
        }
    }

    #[test]
    fn cut_short_is_no_picture() {
        let bytes = encode_within(&picture(64, 64, 5), 1 << 16).unwrap();
        assert!(matches!(half(&bytes), Ok(Some(_))));
        assert_eq!(half(&bytes[..bytes.len() / 2]), Err(Damaged));
        assert_eq!(half(&bytes[..40]), Ok(None), "left to the library, which says what is wrong");
    }

    #[test]
    fn tables_that_cameras_leave_out_are_known() {
        let bytes = encode_within(&picture(64, 64, 7), 1 << 16).unwrap();
        let mut bare = bytes[..2].to_vec();
        let mut rest = &bytes[2..];
        while rest[1] != 0xda {
            let length = 2 + usize::from(u16::from_be_bytes([rest[2], rest[3]]));
            if rest[1] != 0xc4 {
                bare.extend(&rest[..length]);
            }
            rest = &rest[length..];
        }
        bare.extend(rest);
        assert!(bare.len() + 400 < bytes.len());
        assert_eq!(half(&bare), half(&bytes));
    }

    #[test]
    fn light_alone_is_the_same_light_of_full_range() {
        let bytes = encode_within(&picture(64, 48, 9), 1 << 16).unwrap();
        let all = Planes::decode(&bytes, false, Default::default()).unwrap().unwrap();
        let light = Planes::decode(&bytes, true, all.levels.clone()).unwrap().unwrap();
        for (light, limited) in light.levels[0].iter().zip(&all.levels[0]) {
            let expected = 16.0 + f32::from(*light) * 219.0 / 255.0;
            assert!((expected - f32::from(*limited)).abs() <= 1.5, "{light} {limited}");
        }
    }
}
