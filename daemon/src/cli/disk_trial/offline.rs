//! A month without the network: fill the outbox, open it again, drain it while visits go on.

/// A month without the network.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(_args: &Args) -> anyhow::Result<()> {
    Ok(())
}
