//! Interleaved bytes into planes of f32.

use super::{Work, on};
use crate::Isa;

/// Where a channel of RGB goes, and what becomes of it: `value * scale + shift`.
#[derive(Debug)]
pub struct Channel<'a> {
    /// A value for each pixel.
    pub plane: &'a mut [f32],
    /// Factor.
    pub scale: f32,
    /// Added after that.
    pub shift: f32,
}

/// Takes pixels of RGB apart: channels red, green, blue.
///
/// # Panics
/// If `rgb` is not as many whole pixels as each plane has values.
pub fn planes(isa: Isa, rgb: &[u8], channels: [Channel<'_>; 3]) {
    let (pixels, rest) = rgb.as_chunks();
    assert!(rest.is_empty(), "whole pixels");
    assert!(channels.iter().all(|channel| channel.plane.len() == pixels.len()), "a value for each pixel");
    on(isa, Planes { pixels, channels });
}

struct Planes<'a> {
    pixels: &'a [[u8; 3]],
    channels: [Channel<'a>; 3],
}

impl Work for Planes<'_> {
    #[inline(always)]
    fn run(self) {
        let [red, green, blue] = self.channels;
        let values = red.plane.iter_mut().zip(green.plane).zip(blue.plane);
        for (pixel, ((r, g), b)) in self.pixels.iter().zip(values) {
            *r = f32::from(pixel[0]) * red.scale + red.shift;
            *g = f32::from(pixel[1]) * green.scale + green.shift;
            *b = f32::from(pixel[2]) * blue.scale + blue.shift;
        }
    }
}
