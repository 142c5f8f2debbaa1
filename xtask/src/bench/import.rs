//! `cargo xtask bench import`: builds the programs as for a measurement and hands over to `ostiary-lab import`.

use anyhow::Result;
use clap::Args;

use super::lab::LabArgs;

/// How much is imported.
#[derive(Args)]
pub struct ImportArgs {
    /// Photos of the archive.
    #[arg(long, default_value_t = 400)]
    photos: u32,
    /// Threads that read photos, in the server and beside it.
    #[arg(long, default_value_t = 2)]
    engines: u32,
    #[command(flatten)]
    lab: LabArgs,
}

/// Builds and measures.
///
/// # Errors
/// If the build fails, or a photo was lost.
pub fn run(args: &ImportArgs) -> Result<()> {
    args.lab.run("import", &["--photos".into(), args.photos.to_string(), "--engines".into(), args.engines.to_string()])
}
