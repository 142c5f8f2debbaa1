//! `ostiaryd doctor`: everything the daemon needs, checked one by one, each with what to do.

use std::path::Path;
use std::process::ExitCode;

mod checks;

use crate::config::{self, Config};

/// Check everything the daemon needs.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Do not try to reach the server and the broker.
    #[arg(long)]
    offline: bool,
}

/// How a check came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should be.
    Ok(String),
    /// Works, but not as it should.
    Warn(String, String),
    /// Does not work; with what to do.
    Fail(String, String),
}

/// Runs every check; fails if one fails.
pub fn doctor(args: &Args, path: Option<&Path>) -> anyhow::Result<ExitCode> {
    let config = match config::load(path) {
        Ok(config) => config,
        Err(error) => {
            print("config", &Outcome::Fail(error.to_string(), "mend the configuration file".into()));
            return Ok(ExitCode::FAILURE);
        }
    };
    print("config", &Outcome::Ok("valid".into()));
    let mut failed = false;
    for (name, outcome) in all(args, &config)? {
        print(name, &outcome);
        failed |= matches!(outcome, Outcome::Fail(..));
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn all(args: &Args, config: &Config) -> anyhow::Result<Vec<(&'static str, Outcome)>> {
    let mut outcomes = vec![
        ("state", checks::state_dir(config)),
        ("key", checks::key(config)),
        ("identity", checks::identity(config)),
        ("pack", checks::pack(config)),
        ("cache", checks::cache(config)),
        ("camera", checks::camera(config)),
        ("clock", checks::clock()),
    ];
    if !args.offline {
        let runtime = super::runtime(1)?;
        outcomes.push(("server", runtime.block_on(checks::server(config))));
        outcomes.push(("broker", runtime.block_on(checks::broker(config))));
    }
    Ok(outcomes)
}

fn print(name: &str, outcome: &Outcome) {
    match outcome {
        Outcome::Ok(what) => println!("ok    {name:9} {what}"),
        Outcome::Warn(what, fix) => println!("warn  {name:9} {what}\n                {fix}"),
        Outcome::Fail(what, fix) => println!("fail  {name:9} {what}\n                {fix}"),
    }
}
