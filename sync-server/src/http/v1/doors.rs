//! Doors.

pub mod create;
pub mod gallery_rule;
pub mod list;
pub mod recognition;
