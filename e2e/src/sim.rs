//! A simulation in which everything that can go wrong does, and that can be told again from its seed.
//!
//! The device's conversation (`ostiary_daemon::sync::DeviceCore`) and the server's (`ostiary_server::link::LinkCore`
//! over the real SQLite store) run as they are; made up are the disk, the network, the broker, the clocks, and the
//! moment at which each of them fails. No thread, clock or generator of the system is asked: what happens follows from
//! the seed alone.
//!
//! Start reading at [`story`], then `life` (an ordinary day), `mischief` (faults), `calm` (the end, when all must come
//! to the truth). What must never happen stands in `violation`; [`broken`] breaks rules on purpose, to see that it
//! would be noticed.

mod back_door;
pub mod broken;
mod calm;
mod device;
mod dice;
mod disk;
pub mod fault;
mod ledger;
mod life;
mod mischief;
mod net;
mod outlet;
mod people;
mod post;
pub mod run;
mod sealed;
mod server;
pub mod story;
mod time;
mod token;
mod town;
pub mod violation;
mod world;
