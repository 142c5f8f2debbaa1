//! Doors.

pub mod create;
pub mod gallery_rule;
pub mod item;
pub mod list;
pub mod recognition;
