//! Drives Ostiary's two real programs: what the demo and the end-to-end tests share.
//!
//! Start reading at [`stage`]: a folder of its own, a server and daemons in it, which end with it. What they
//! look at is made by [`clip`], a crate of its own that is always optimised, and what benches look at by [`door`]; what
//! they are asked goes through [`api`]; a device that does not behave is [`device`]; thousands of devices are [`fleet`]; several servers are [`cluster`].

pub use ostiary_clips as clip;

pub mod api;
pub mod browser;
pub mod cluster;
pub mod daemon;
pub mod demo;
pub mod device;
pub mod door;
pub mod faults;
pub mod fleet;
pub mod guided;
pub mod imports;
pub mod leaks;
pub mod ledger;
pub mod live;
pub mod media;
pub mod mosquitto;
pub mod pages;
pub mod photos;
pub mod process;
pub mod reading;
pub mod server;
pub mod sim;
pub mod stage;
pub mod tls;
pub mod viewers;
pub mod wait;
