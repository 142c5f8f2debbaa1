//! Accounts of programs, and their keys.

pub mod create;
pub mod item;
pub mod keys;
pub mod list;
