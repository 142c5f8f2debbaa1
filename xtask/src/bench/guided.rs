//! `cargo xtask bench guided`: builds the programs as for a measurement and hands over to `ostiary-lab guided`.

use anyhow::Result;
use clap::Args;

use crate::{setup, shell};

/// How much is measured.
#[derive(Args)]
pub struct GuidedArgs {
    /// Frames that are counted.
    #[arg(long, default_value_t = 300)]
    frames: u32,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
    /// Take the programs of the dev profile, as they were last built.
    #[arg(long)]
    dev: bool,
}

/// Builds and measures.
///
/// # Errors
/// If the build fails, or nothing could be measured.
pub fn run(args: &GuidedArgs) -> Result<()> {
    if !args.dev {
        setup::ensure()?;
        let build = ["build", "--profile", "measure", "-p", "ostiary-server", "-p", "ostiary-e2e", "--bins"];
        shell::run(&mut shell::cargo(&build))?;
    }
    let folder = if args.dev { "debug" } else { "measure" };
    let mut lab = shell::command(shell::target_dir().join(folder).join("ostiary-lab"), &["guided"]);
    lab.args(["--frames", &args.frames.to_string()]);
    if args.json {
        lab.arg("--json");
    }
    shell::run(&mut lab)
}
