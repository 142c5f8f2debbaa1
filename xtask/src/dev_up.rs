//! `cargo xtask dev-up --scale`: several servers on this machine, with the database, the broker and the front they share.

use anyhow::{Result, bail};
use clap::Args;

use crate::{setup, shell};

/// What to bring up.
#[derive(Args)]
pub struct DevUpArgs {
    /// PostgreSQL, Redis, Mosquitto with certificates, two servers and a front.
    #[arg(long)]
    scale: bool,
    /// How many servers.
    #[arg(long, default_value_t = 2)]
    servers: u8,
    /// Take the programs as they were last built.
    #[arg(long)]
    no_build: bool,
}

/// Builds, installs what is missing, starts everything, and ends it on Ctrl-C.
///
/// # Errors
/// If something cannot be installed, built or started.
pub fn run(args: &DevUpArgs) -> Result<()> {
    if !args.scale {
        bail!("only `--scale` is there; for one server and a door see `cargo xtask demo`");
    }
    setup::ensure()?;
    if !args.no_build {
        shell::run(&mut shell::cargo(&["build", "--workspace", "--bins"]))?;
    }
    let mut lab = shell::command(shell::dev_binary("ostiary-lab"), &["scale"]);
    shell::run(lab.args(["--servers", &args.servers.to_string()]))
}
