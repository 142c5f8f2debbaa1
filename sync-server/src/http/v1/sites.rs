//! Sites.

pub mod create;
pub mod list;
