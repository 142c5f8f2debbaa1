//! `cargo xtask bench import`: builds the programs as for a measurement and hands over to `ostiary-lab import`.

use anyhow::Result;
use clap::Args;

use super::Profile;
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
    /// How to compile what is measured.
    #[arg(long, value_enum, default_value_t = Profile::Measure)]
    profile: Profile,
    /// Take the programs as they were last built.
    #[arg(long)]
    no_build: bool,
}

/// Builds and measures.
///
/// # Errors
/// If the build fails, or a photo was lost.
pub fn run(args: &ImportArgs) -> Result<()> {
    setup::ensure()?;
    if !args.no_build {
        args.profile.build(&["--workspace", "--bins"])?;
    }
    let mut lab = shell::command(args.profile.dir().join("ostiary-lab"), &["import"]);
    lab.args(["--photos", &args.photos.to_string(), "--engines", &args.engines.to_string()]);
    if args.json {
        lab.arg("--json");
    }
    shell::run(&mut lab)
}
