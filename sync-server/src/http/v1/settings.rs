//! Settings of the whole installation.

pub mod recognition;
