//! `ostiaryd disk-trial`: works on a cache as a busy door does and says on its output what was made durable, so
//! that somebody outside can cut the power and compare. For `cargo xtask faults power` and `faults offline`.
//!
//! Everything written can be told from a number alone ([`made_up`]), so that reading it back proves it whole.

mod made_up;
mod offline;
mod power;

use std::process::ExitCode;

/// Work on a cache and tell what was made durable.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Tell what the cache holds, then write until somebody pulls the plug.
    Power(power::Args),
    /// A month without the network: fill the outbox, open it again, drain it while visits go on.
    Offline(offline::Args),
}

/// Runs a trial.
pub fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Power(args) => power::run(args)?,
        Command::Offline(args) => offline::run(args)?,
    }
    Ok(ExitCode::SUCCESS)
}
