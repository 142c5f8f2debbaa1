//! Pictures on their way to a net: camera rows into RGB ([`yuyv`], [`nv12`], [`planar`], [`grey`]), the same at half the
//! size ([`yuyv_halved`] and its like), RGB through a map ([`halve`], [`sample`]), RGB into planes of f32 ([`planes`]).
//!
//! Each is plain Rust over short blocks, without branches and of fixed length, so that the compiler makes vectors of
//! it; `on` has it compiled for every instruction set. Each operation is rounded by itself, none is fused, so what
//! comes out is the same to the last bit everywhere.

#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "a function compiled for an instruction set is called where the machine has it")
)]

mod halve;
mod halved;
mod planes;
mod sample;
mod yuv;

#[cfg(test)]
mod tests;

pub use halve::halve;
pub use halved::{grey_halved, nv12_halved, planar_quartered, yuyv_halved};
pub use planes::{Channel, planes};
pub use sample::{Line, Rgb, sample};
pub use yuv::{grey, nv12, planar, planar_halved, yuyv};

use crate::Isa;

/// Pixels of a block: enough to fill the widest vectors, and few to waste at the end of a row.
const BLOCK: usize = 32;

/// A kernel and what it works on.
trait Work {
    /// Does it. Must be `inline(always)`, as must all it calls that is worth a vector.
    fn run(self);
}

/// Does the work with the instructions of `isa`; plain Rust where the machine lacks them.
fn on(isa: Isa, work: impl Work) {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn avx512(work: impl Work) {
        work.run();
    }
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn avx2(work: impl Work) {
        work.run();
    }
    match isa.or_scalar() {
        // SAFETY: `or_scalar` leaves only what this machine has.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { avx512(work) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { avx2(work) },
        // SSE2 and NEON are part of what everything is compiled for.
        _ => work.run(),
    }
}

/// Writes the low three bytes of each.
#[inline(always)]
fn pack(pixels: &[u32; BLOCK], target: &mut [u8; 3 * BLOCK]) {
    // Four bytes at a time, of which the next pixel covers the last; that of the last pixel is left out.
    for (x, pixel) in pixels[..BLOCK - 1].iter().enumerate() {
        target[3 * x..3 * x + 4].copy_from_slice(&pixel.to_le_bytes());
    }
    target[3 * BLOCK - 3..].copy_from_slice(&pixels[BLOCK - 1].to_le_bytes()[..3]);
}
