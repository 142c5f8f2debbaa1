//! `cargo xtask bench guided`: builds the programs as for a measurement and hands over to `ostiary-lab guided`.

use anyhow::Result;
use clap::Args;

use super::lab::LabArgs;

/// How much is measured.
#[derive(Args)]
pub struct GuidedArgs {
    /// Frames that are counted.
    #[arg(long, default_value_t = 300)]
    frames: u32,
    #[command(flatten)]
    lab: LabArgs,
}

/// Builds and measures.
///
/// # Errors
/// If the build fails, or nothing could be measured.
pub fn run(args: &GuidedArgs) -> Result<()> {
    args.lab.run("guided", &["--frames".into(), args.frames.to_string()])
}
