//! `cargo xtask faults NAME`: what happens when things break. Each ends with one line of JSON: what was tried, and
//! what was lost, doubled or held wrongly.

mod all;
mod kill;
mod offline;
mod power;
mod sim;

use anyhow::Result;
use clap::{Args, Subcommand};

/// Which faults.
#[derive(Args)]
pub struct FaultsArgs {
    #[command(subcommand)]
    name: Name,
}

#[derive(Subcommand)]
enum Name {
    /// Simulation, kills and power cuts in short.
    All,
    /// Kills: the real programs killed, frozen, cut off, starved of disk and sent through time.
    Kill(kill::KillArgs),
    /// A month without the network: the outbox filled, opened again, drained while visits go on.
    Offline(offline::OfflineArgs),
    /// Power cuts: the device's storage in a virtual machine whose plug is pulled at random.
    Power(power::PowerArgs),
    /// Simulation: stories in which everything goes wrong, over the real rules and a made-up world.
    Sim(sim::SimArgs),
}

/// Runs the named trial.
///
/// # Errors
/// If it cannot be run, or something was lost.
pub fn run(args: &FaultsArgs) -> Result<()> {
    match &args.name {
        Name::All => all::run(),
        Name::Kill(args) => kill::run(args),
        Name::Offline(args) => offline::run(args),
        Name::Power(args) => power::run(args),
        Name::Sim(args) => sim::run(args),
    }
}
