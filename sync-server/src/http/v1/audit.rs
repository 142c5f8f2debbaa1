//! The audit log.

pub mod export;
pub mod line;
pub mod list;
