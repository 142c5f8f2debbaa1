//! The two real programs, end to end: what they do, and what they do when something breaks.
//!
//! Each test has a server and a folder of its own and may run beside the others. Start reading at
//! [`recognise`]; the kills are in [`kills`] and [`broker`], and at random in [`storm`].

mod broker;
mod captures;
mod delivery;
mod derived;
mod door;
mod dump;
mod erasure;
mod fleet;
mod groups;
mod imports;
mod kills;
mod life;
mod media;
mod messages;
mod operations;
mod packs;
mod panel;
mod photos;
mod recognise;
mod rotation;
mod scale;
mod settings;
mod sim;
mod storm;
mod tokens;
mod unknowns;
mod viewers;

use std::time::Duration;

/// Something that needs one round trip takes no longer, even on a busy machine.
const SOON: Duration = Duration::from_secs(20);
/// Something that needs inference or a restart takes no longer.
const LATER: Duration = Duration::from_secs(120);
