//! From frames to decided visits, on threads of their own: one that captures, one that looks, and helpers
//! that look at faces side by side.
//!
//! Start reading at [`look::Pipeline`]; [`run`] starts the threads.

mod capture;
mod crop;
mod engine;
mod look;
mod mailbox;
mod threads;

pub use engine::EngineFinder;
pub use threads::{PipelineParts, run};
