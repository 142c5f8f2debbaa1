//! Sites.

pub mod create;
pub mod item;
pub mod list;
