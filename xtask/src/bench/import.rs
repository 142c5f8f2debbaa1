//! `cargo xtask bench import`: builds the programs as for a measurement and hands over to `ostiary-lab import`.

use anyhow::Result;
use clap::Args;

use crate::{setup, shell};

/// How much is imported.
#[derive(Args)]
pub struct ImportArgs {
    /// Photos of the archive.
    #[arg(long, default_value_t = 400)]
    photos: u32,
    /// Threads that read photos, in the server and beside it.
    #[arg(long, default_value_t = 2)]
    engines: u32,
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
/// If the build fails, or a photo was lost.
pub fn run(args: &ImportArgs) -> Result<()> {
    if !args.dev {
        setup::ensure()?;
        let build = ["build", "--profile", "measure", "-p", "ostiary-server", "-p", "ostiary-e2e", "--bins"];
        shell::run(&mut shell::cargo(&build))?;
    }
    let folder = if args.dev { "debug" } else { "measure" };
    let mut lab = shell::command(shell::target_dir().join(folder).join("ostiary-lab"), &["import"]);
    lab.args(["--photos", &args.photos.to_string(), "--engines", &args.engines.to_string()]);
    if args.json {
        lab.arg("--json");
    }
    shell::run(&mut lab)
}
