//! Merges and splits of persons, once they are made.

pub mod undo;
pub mod view;
