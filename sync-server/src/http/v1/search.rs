//! Looking for faces.

pub mod faces;
mod probe;
