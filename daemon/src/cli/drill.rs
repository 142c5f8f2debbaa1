//! `ostiaryd drill`: the daemon with made-up visits instead of a camera's, for `cargo xtask faults`.

use std::process::ExitCode;

use crate::app::{self, RunOptions};
use crate::config::Config;
use crate::drill::Pace;

/// Report made-up visits.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Visits in a second on average; with 0 only what waits on disk is sent.
    #[arg(long, default_value_t = 10.0)]
    per_second: f64,
    /// Give each the largest picture there is.
    #[arg(long)]
    pictured: bool,
}

/// Runs the daemon without camera and nets. Refused by builds for production: what a store holds there was seen.
pub fn drill(args: &Args, config: Config) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(cfg!(debug_assertions), "this build is for production: it makes up no visits");
    anyhow::ensure!((0.0..=10_000.0).contains(&args.per_second), "--per-second: allowed is 0 to 10000");
    super::log::start(&config.log);
    let pace = Pace { per_second: args.per_second, pictured: args.pictured };
    let options = RunOptions { drill: Some(pace), ..RunOptions::default() };
    let runtime = super::runtime(1)?;
    let outcome = runtime.block_on(app::run(config, options));
    runtime.shutdown_background();
    outcome.map(|_| ExitCode::SUCCESS)
}
