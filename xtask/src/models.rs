//! `cargo xtask models`: builds and verifies the default model pack.

use anyhow::{Result, bail};
use clap::Args;

/// What to do with the pack.
#[derive(Args)]
pub struct ModelsArgs {}

/// Runs the command.
///
/// # Errors
/// If the pack cannot be built or verified.
pub fn run(_args: ModelsArgs) -> Result<()> {
    bail!("the default pack's build is not here yet")
}
