//! The gallery as a whole.

pub mod read;
