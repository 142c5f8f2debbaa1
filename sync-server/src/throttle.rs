//! Counters behind [`ports::throttle`](crate::ports::throttle): [`local`] in this process.

pub mod local;

pub use local::LocalThrottle;
