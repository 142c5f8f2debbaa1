//! `ostiaryd reset`.

use std::process::ExitCode;

use crate::app::reset::{self, Keep};
use crate::app::{self};
use crate::config::Config;

/// Forget everything.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Keep events the server has not stored yet; they are sent once this device is claimed again.
    #[arg(long)]
    keep_outbox: bool,
    /// Do it. Without this, only what would be done is said.
    #[arg(long)]
    yes: bool,
}

/// Forgets everything on this device.
pub fn reset(args: &Args, config: &Config) -> anyhow::Result<ExitCode> {
    super::log::start(&config.log);
    let dir = config.device.state_dir.display();
    let keep = if args.keep_outbox { Keep::Outbox } else { Keep::Nothing };
    let kept = if args.keep_outbox { "; events that wait for the server are kept" } else { "" };
    if !args.yes {
        println!("this would forget identity, keys, gallery and settings in {dir}{kept}; to do it, add --yes");
        return Ok(ExitCode::FAILURE);
    }
    let _lock = app::lock_state(&config.device.state_dir)?;
    reset::forget(config, keep)?;
    println!("{dir} is as before the first claim{kept}");
    println!("revoke or replace the device on the server as well, if it is not to come back");
    Ok(ExitCode::SUCCESS)
}
