//! The inner loops: plain numbers in, plain numbers out, one version for each instruction set, chosen when the
//! program runs. Knows no picture, no net and no gallery; `ostiary-models` gives the numbers their meaning.
//!
//! For nets, start at [`Dense`], which nearly all their time is spent in; tensors are as [`Grid`] says, with their
//! channels together and rounded up to [`CHANNELS`].
//!
//! A crate of its own for two reasons. It is the one room where `unsafe` is at home, so that everything above can do
//! without; and it builds and tests for another processor within seconds, under emulation too.

mod grid;
mod isa;
pub mod pixels;
pub mod search;
mod simd;

mod dense;
mod depthwise;
mod pool;
mod upsample;

#[cfg(test)]
mod testing;

pub use dense::{Dense, Shortcut, Target, Windows};
pub use depthwise::{Depthwise, Patches};
pub use grid::{CHANNELS, Grid, Size, rounded};
pub use isa::Isa;
pub use pool::{Pooled, Pooling, pool};
pub use upsample::{Coarse, add_doubled};
