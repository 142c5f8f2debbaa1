//! What the daemon knows and decides: no clock, file or socket in here, only time and facts handed in.
//!
//! Start reading at [`visit`], then [`gallery_sync`] and [`outbox`].

pub mod assign;
pub mod backoff;
pub mod commands;
pub mod credentials;
pub mod desired;
pub mod gallery_sync;
pub mod outbox;
pub mod pace;
pub mod reentry;
pub mod rivals;
pub mod track;
pub mod visit;
