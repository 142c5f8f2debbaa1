//! `cargo xtask bench net`: the networks beside onnxruntime.

use anyhow::{Result, bail};
use clap::Args;

/// How to report.
#[derive(Args)]
pub struct NetArgs {
    /// End with one JSON object.
    #[arg(long)]
    json: bool,
}

/// Measures.
///
/// # Errors
/// If it cannot be built or run.
pub fn run(_args: NetArgs) -> Result<()> {
    bail!("the network bench is not here yet")
}
