//! `cargo xtask bench viewers`: many before the live wall of one server while visits come in.

use anyhow::Result;
use clap::Args;

use super::Profile;
use crate::{setup, shell};

/// How to measure and report.
#[derive(Args)]
pub struct ViewersArgs {
    /// End with one JSON object on one line.
    #[arg(long)]
    json: bool,
    /// How to compile what is measured.
    #[arg(long, value_enum, default_value_t = Profile::Measure)]
    profile: Profile,
    /// Take the programs as they were last built.
    #[arg(long)]
    no_build: bool,
    /// Anything else `ostiary-lab viewers` takes (`--viewers`, `--rate`, …); see its `--help`.
    #[arg(last = true)]
    more: Vec<String>,
}

/// Builds and measures.
///
/// # Errors
/// If it cannot be built or run, or somebody missed a visit.
pub fn run(args: &ViewersArgs) -> Result<()> {
    setup::ensure()?;
    if !args.no_build {
        args.profile.build(&["--workspace", "--bins"])?;
    }
    let mut lab = shell::command(args.profile.dir().join("ostiary-lab"), &["viewers"]);
    if args.json {
        lab.arg("--json");
    }
    shell::run(lab.args(&args.more))
}
