//! Persons and photos from another system.

pub mod create;
