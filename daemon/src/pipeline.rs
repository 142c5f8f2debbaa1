//! From frames to decided visits, on threads of their own: one that captures, one that looks, and helpers
//! that look at faces side by side.
//!
//! Start reading at [`look::Pipeline`]; [`run`] starts the threads.

mod attention;
mod capture;
mod crew;
mod crop;
mod decided;
mod engine;
mod every_frame;
mod guided;
mod heat;
mod in_sight;
mod look;
mod mailbox;
mod picture;
mod rate;
mod threads;

pub use engine::EngineFinder;
#[cfg(all(test, feature = "v4l2"))]
pub use mailbox::Mailbox;
pub use threads::{Mode, PipelineParts, REENTRY_S, Running, run};

/// The capture thread alone, for tests of sources.
#[cfg(all(test, feature = "v4l2"))]
pub fn capture_for_tests(
    shared: std::sync::Arc<crate::shared::Shared>,
    recorder: crate::recorder::Recorder,
    config: std::sync::Arc<crate::config::Config>,
) -> (std::sync::Arc<Mailbox>, std::thread::JoinHandle<()>) {
    let mailbox = std::sync::Arc::new(Mailbox::default());
    let capture = capture::Capture { shared, recorder, config, mailbox: std::sync::Arc::clone(&mailbox) };
    (mailbox, std::thread::spawn(move || capture.run()))
}
