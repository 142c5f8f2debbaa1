//! Real processes under faults: server, broker and devices are killed, frozen, cut off, starved of disk and sent
//! through time; at the end every event a device wrote down must be in the store once, and every device must hold
//! what it may.
//!
//! Start reading at `storm`. What goes wrong is chosen in `plan`, from a seed; `street`, `volume`, `clock`
//! and `database` are the instruments; `verdict` counts.

mod books;
mod cli;
pub mod clock;
mod database;
mod door;
mod house;
mod office;
mod plan;
mod storm;
mod street;
mod tally;
mod verdict;
mod volume;

pub use cli::{Args, main};
pub use plan::Equipment;
pub use storm::{Broker, Options, run};
pub use verdict::{Verdict, report};
