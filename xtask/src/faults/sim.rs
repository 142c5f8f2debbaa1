//! `cargo xtask faults sim`: builds the laboratory and lets it tell stories in which everything goes wrong.

use anyhow::{Context, Result};
use clap::Args;

use crate::{setup, shell};

/// What to simulate.
#[derive(Args)]
pub struct SimArgs {
    /// How many stories, with seeds that count up.
    #[arg(long, default_value_t = 1_000)]
    pub seeds: u64,
    /// The first seed; with `--seeds 1 --verbose`, a story told again.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Steps of each story; the calm afterwards is not counted.
    #[arg(long, default_value_t = 250)]
    pub steps: u64,
    /// A rule that is broken on purpose: ack-before-commit, delete-on-puback, no-dedupe, no-digest, no-tombstone.
    #[arg(long = "break", value_name = "RULE")]
    pub broken: Option<String>,
    /// Print every step.
    #[arg(long, short)]
    pub verbose: bool,
    /// Take the program as it was last built.
    #[arg(long)]
    pub no_build: bool,
}

/// Builds and simulates.
///
/// # Errors
/// If the build fails, or a story broke a promise.
pub fn run(args: &SimArgs) -> Result<()> {
    if !args.no_build {
        setup::ensure()?;
        let build = ["build", "--workspace", "--bin", "ostiary-lab"];
        shell::run(&mut shell::cargo(&build)).context("building the laboratory")?;
    }
    let mut command = shell::command(shell::dev_binary("ostiary-lab"), &["sim"]);
    for (name, value) in [("--seeds", args.seeds), ("--seed", args.seed), ("--steps", args.steps)] {
        command.args([name, &value.to_string()]);
    }
    if let Some(rule) = &args.broken {
        command.args(["--break", rule]);
    }
    if args.verbose {
        command.arg("--verbose");
    }
    shell::run(&mut command)
}
