//! A fleet of devices in one program, against one real server: how much it carries, and that it loses nothing.
//!
//! Every device has an identity of its own, claimed and renewed over HTTPS, a TLS connection of its own that checks the
//! server's certificate, and speaks the real protocol over it. What it does not have is a camera: visits are made up.
//! Start reading at [`campaign::run`], the phases in their order; [`member`] is one device, [`socket`] its connection.

pub mod args;
pub mod board;
pub mod campaign;
pub mod census;
pub mod enlist;
pub mod histogram;
pub mod holding;
pub mod lot;
pub mod member;
mod phases;
pub mod raw;
pub mod report;
pub mod socket;
mod speech;
pub mod usage;

pub use args::FleetArgs;
pub use campaign::{main, run};
