//! Templates.

pub mod delete;
