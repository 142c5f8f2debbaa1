//! `/erasures`: persons removed for good, and who has confirmed it.

pub mod list;
pub mod read;
pub mod receipt;
pub mod view;
