//! What other systems take.

pub mod persons;
