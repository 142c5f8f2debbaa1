//! Counters behind [`ports::throttle`](crate::ports::throttle): [`local`] in this process, [`shared`] of several servers.

pub mod local;
pub mod shared;

pub use local::LocalThrottle;
pub use shared::SharedThrottle;
