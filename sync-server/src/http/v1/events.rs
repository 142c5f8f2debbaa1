//! Events.

pub mod counts;
pub mod crop;
pub mod crop_link;
mod filter;
pub mod item;
mod latency;
pub mod list;
pub mod live;
mod pages;
pub mod quality;
pub mod read;
pub mod verdict;
