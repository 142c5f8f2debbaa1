//! The fault laboratory with the programs that lie beside this one. `cargo xtask faults` builds them and calls it.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ostiary_e2e::faults;
use ostiary_e2e::sim::run as sim;

/// Breaks things and looks what comes of it.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Kill, starve and cut off the real programs.
    Kill(faults::Args),
    /// Tell stories in which everything goes wrong, over the real rules and a made-up world.
    Sim(sim::SimArgs),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Kill(args) => faults::main(&args),
        Command::Sim(args) => sim::main(&args),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
