//! `cargo xtask faults kill`: builds the programs, puts them aside so that a build meanwhile does not disturb them,
//! and hands over to `ostiary-lab`.

use std::fs;

use anyhow::{Context, Result};
use clap::Args;

use crate::{setup, shell};

/// The programs in the storm, and the one that makes it.
const PROGRAMS: [&str; 3] = ["ostiary-lab", "ostiary-server", "ostiaryd"];

/// How much is tried.
#[derive(Args)]
pub struct KillArgs {
    /// Events to write down, at least.
    #[arg(long, default_value_t = 100_000)]
    pub events: u64,
    /// Programs to kill, at least.
    #[arg(long, default_value_t = 500)]
    pub kills: u64,
    /// How long it is meant to take.
    #[arg(long, default_value_t = 1500)]
    pub seconds: u64,
    /// Every choice of what breaks and when follows from it; drawn and told if it is not given.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Print the verdict as one JSON line only.
    #[arg(long)]
    pub json: bool,
    /// Take the programs as they were last built.
    #[arg(long)]
    pub no_build: bool,
    /// More for `ostiary-lab kill`, see its `--help`.
    #[arg(last = true)]
    pub more: Vec<String>,
}

/// Builds and lets loose.
///
/// # Errors
/// If the build fails, the storm could not be played to its end, or a promise was broken.
pub fn run(args: &KillArgs) -> Result<()> {
    if !args.no_build {
        setup::ensure_laboratory()?;
        shell::run(&mut shell::cargo(&["build", "--workspace", "--bins"])).context("building the programs")?;
    }
    let aside = shell::target_dir().join("faults");
    fs::create_dir_all(&aside).with_context(|| format!("making {}", aside.display()))?;
    for program in PROGRAMS {
        // A program that runs cannot be written over, but it can be taken away from its name.
        let _ = fs::remove_file(aside.join(program));
        fs::copy(shell::dev_binary(program), aside.join(program))
            .with_context(|| format!("putting {program} aside"))?;
    }
    let mut command = shell::command(aside.join(PROGRAMS[0]), &["kill"]);
    for (name, value) in [("--events", args.events), ("--kills", args.kills), ("--seconds", args.seconds)] {
        command.args([name, &value.to_string()]);
    }
    command.args(args.seed.iter().flat_map(|seed| ["--seed".to_owned(), seed.to_string()]));
    command.args(args.json.then_some("--json")).args(&args.more);
    shell::run(&mut command)
}
