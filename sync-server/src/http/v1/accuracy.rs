//! How right doors are, by what people say of their events.

pub mod curve;
mod filter;
pub mod read;
pub mod to_judge;
mod view;
