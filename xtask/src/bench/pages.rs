//! `cargo xtask bench pages`: every page of the panel over a full store: how long the server takes, and how much is sent.

use anyhow::Result;
use clap::Args;

use super::Profile;
use crate::{setup, shell};

/// How to measure and report.
#[derive(Args)]
pub struct PagesArgs {
    /// End with one JSON object on one line.
    #[arg(long)]
    json: bool,
    /// How to compile what is measured.
    #[arg(long, value_enum, default_value_t = Profile::Measure)]
    profile: Profile,
    /// Take the programs as they were last built.
    #[arg(long)]
    no_build: bool,
    /// Anything else `ostiary-lab pages` takes (`--events`, `--persons`, …); see its `--help`.
    #[arg(last = true)]
    more: Vec<String>,
}

/// Builds and measures.
///
/// # Errors
/// If it cannot be built or run, or a page does not come.
pub fn run(args: &PagesArgs) -> Result<()> {
    setup::ensure()?;
    if !args.no_build {
        args.profile.build(&["--workspace", "--bins"])?;
    }
    let mut lab = shell::command(args.profile.dir().join("ostiary-lab"), &["pages"]);
    if args.json {
        lab.arg("--json");
    }
    shell::run(lab.args(&args.more))
}
