//! Events.

pub mod crop;
pub mod item;
mod latency;
pub mod list;
pub mod live;
pub mod quality;
pub mod read;
