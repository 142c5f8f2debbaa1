//! The inner loops: plain numbers in, plain numbers out, one version for each instruction set, chosen when the
//! program runs. Knows no picture, no net and no gallery; `ostiary-models` gives the numbers their meaning.
//!
//! A crate of its own for two reasons. It is the one room where `unsafe` is at home, so that everything above can do
//! without; and it builds and tests for another processor within seconds, under emulation too.

mod isa;

pub use isa::Isa;
