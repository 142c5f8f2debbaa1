//! Telling a device to do something once, and what came of it.

pub mod attachment;
pub mod list;
pub mod read;
pub mod send;
mod view;
