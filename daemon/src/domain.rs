//! What the daemon knows and decides: no clock, file or socket in here, only time and facts handed in.
//!
//! Start reading at [`visit`], then [`gallery_sync`] and [`outbox`].

pub mod alarms;
pub mod assign;
pub mod backoff;
pub mod blur;
pub mod certificates;
pub mod commands;
pub mod credentials;
pub mod desired;
pub mod enrolling;
pub mod frame_clock;
#[cfg(test)]
pub mod gallery_model;
pub mod gallery_sync;
pub mod holdings;
pub mod now;
pub mod outbox;
pub mod pace;
pub mod reentry;
pub mod rivals;
pub mod server_time;
pub mod track;
pub mod trust;
pub mod visit;
