//! Errors of the server itself, grouped.

pub mod list;
pub mod resolve;
mod view;
