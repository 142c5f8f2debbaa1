//! `cargo xtask bench guided`: builds the programs as for a measurement and hands over to `ostiary-lab guided`.

use anyhow::Result;
use clap::Args;

use super::Profile;
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
/// If the build fails, or nothing could be measured.
pub fn run(args: &GuidedArgs) -> Result<()> {
    setup::ensure()?;
    if !args.no_build {
        args.profile.build(&["--workspace", "--bins"])?;
    }
    let mut lab = shell::command(args.profile.dir().join("ostiary-lab"), &["guided"]);
    lab.args(["--frames", &args.frames.to_string()]);
    if args.json {
        lab.arg("--json");
    }
    shell::run(&mut lab)
}
