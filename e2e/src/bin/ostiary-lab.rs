//! The fault laboratory with the programs that lie beside this one. `cargo xtask faults` builds them and calls it.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ostiary_e2e::sim::run as sim;
use ostiary_e2e::{cluster, faults, fleet, guided, imports, pages, reading, viewers};

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
    /// Many devices against one server: connections, events per second, enrollment, a reconnect storm.
    Fleet(fleet::FleetArgs),
    /// An archive imported: beside the bare pipeline, its memory, how soon it stops.
    Import(imports::bench::BenchArgs),
    /// Show frames to a guided session: how soon it answers, on one core.
    Guided(guided::GuidedArgs),
    /// Read from a full store: every list, and as much as goes.
    Api(reading::ReadingArgs),
    /// Open every page of the panel over a full store.
    Pages(pages::PagesArgs),
    /// Many before the live wall of one server while visits come in.
    Viewers(viewers::ViewersArgs),
    /// Several servers with all they share, to try things on, until Ctrl-C.
    Scale(cluster::show::ScaleArgs),
    /// Tell stories in which everything goes wrong, over the real rules and a made-up world.
    Sim(sim::SimArgs),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Kill(args) => faults::main(&args),
        Command::Fleet(args) => fleet::main(&args),
        Command::Import(args) => imports::bench::main(&args),
        Command::Guided(args) => guided::main(&args),
        Command::Api(args) => reading::main(&args),
        Command::Pages(args) => pages::main(&args),
        Command::Viewers(args) => viewers::main(&args),
        Command::Scale(args) => cluster::show::main(&args),
        Command::Sim(args) => sim::main(&args),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
