//! `cargo xtask bench NAME`: measurements, each against a peer in the same run where a peer exists.

pub mod net;

use clap::{Args, Subcommand};

/// What to measure.
#[derive(Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    name: Name,
}

#[derive(Subcommand)]
enum Name {
    /// The networks, stage by stage, beside onnxruntime; memory, start time and size of the daemon.
    Net(net::NetArgs),
}

/// Runs the named bench.
///
/// # Errors
/// If it cannot be built or run.
pub fn run(args: BenchArgs) -> anyhow::Result<()> {
    match args.name {
        Name::Net(args) => net::run(args),
    }
}
