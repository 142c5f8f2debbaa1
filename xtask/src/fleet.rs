//! `cargo xtask fleet`: builds the programs as for a measurement and hands over to `ostiary-lab fleet`.

use anyhow::Result;
use clap::Args;

use crate::{setup, shell};

/// How many devices, how long, how hard.
#[derive(Args)]
pub struct FleetArgs {
    /// Devices connected at once.
    #[arg(long, default_value_t = 1_000)]
    devices: u32,
    /// Length of each step of steady load, seconds.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
    /// Take the programs of the dev profile; their figures say nothing.
    #[arg(long)]
    dev: bool,
    /// Take the programs as they were last built.
    #[arg(long)]
    no_build: bool,
    /// Anything else `ostiary-lab fleet` takes; see its `--help`.
    #[arg(last = true)]
    more: Vec<String>,
}

/// Builds and runs the campaign.
///
/// # Errors
/// If the build fails, or an event was lost or doubled, or a device did not come back.
pub fn run(args: &FleetArgs) -> Result<()> {
    let profile = if args.dev { "dev" } else { "measure" };
    if !args.no_build {
        setup::ensure()?;
        let build = ["build", "--profile", profile, "-p", "ostiary-server", "-p", "ostiary-e2e", "--bins"];
        shell::run(&mut shell::cargo(&build))?;
    }
    let folder = if args.dev { "debug" } else { "measure" };
    let mut lab = shell::command(shell::target_dir().join(folder).join("ostiary-lab"), &["fleet"]);
    lab.args(["--devices", &args.devices.to_string(), "--seconds", &args.seconds.to_string()]);
    if args.json {
        lab.arg("--json");
    }
    shell::run(lab.args(&args.more))
}
