//! Events.

pub mod crop;
pub mod item;
pub mod list;
pub mod live;
pub mod read;
