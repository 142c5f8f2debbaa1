//! `cargo xtask fleet`: builds the programs as for a measurement and hands over to `ostiary-lab fleet`.

use anyhow::Result;
use clap::Args;

use crate::bench::Profile;
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
    /// How to compile what is measured; the figures of `dev` say nothing.
    #[arg(long, value_enum, default_value_t = Profile::Measure)]
    profile: Profile,
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
    if !args.no_build {
        setup::ensure()?;
        args.profile.build(&["--workspace", "--bins"])?;
    }
    let mut lab = shell::command(args.profile.dir().join("ostiary-lab"), &["fleet"]);
    lab.args(["--devices", &args.devices.to_string(), "--seconds", &args.seconds.to_string()]);
    if args.json {
        lab.arg("--json");
    }
    shell::run(lab.args(&args.more))
}
