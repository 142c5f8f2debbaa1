//! `cargo xtask test`: everything, on a machine with Debian 12 and a Rust toolchain.

mod emulated;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;

use crate::{check, check_api, demo, generate, lab, setup, shell};

/// What to leave out while working.
#[derive(Args)]
pub struct TestArgs {
    /// Only build and run the tests: no style, no documentation, no demo.
    #[arg(long)]
    quick: bool,
    /// Only the tests of what a board runs, built for this target and run under emulation: aarch64-unknown-linux-gnu.
    #[arg(long)]
    target: Option<String>,
    /// Passed to `cargo test`, for example a part of a test's name.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// What became of one step.
struct Outcome {
    name: &'static str,
    took: Duration,
    error: Option<anyhow::Error>,
}

/// Runs every step, says how each went, and fails if one did.
///
/// # Errors
/// If any step failed.
pub fn run(args: &TestArgs) -> Result<()> {
    if let Some(target) = &args.target {
        return emulated::run(target, &args.rest);
    }
    let mut outcomes = vec![timed("packages", setup::ensure)];
    outcomes.push(timed("build", shell::build_all));
    if outcomes.iter().all(|outcome| outcome.error.is_none()) {
        outcomes.push(timed("tests", || tests(&args.rest)));
        if !args.quick {
            outcomes.push(timed("kernels on aarch64", emulated::step));
            outcomes.push(timed("cameras, systemd, packages", lab::briefly));
            outcomes.extend(check::steps().into_iter().map(|(name, step)| timed(name, step)));
            outcomes.push(timed("generated files", generate::check_current));
            outcomes.push(timed("API as described", check_api::briefly));
            outcomes.push(timed("demo --check", || demo::play(&demo::DemoArgs { check: true, ..Default::default() })));
        }
    }
    summary(&outcomes)
}

fn tests(rest: &[String]) -> Result<()> {
    let mut command = shell::cargo(&["test", "--workspace", "--no-fail-fast", "--"]);
    // A snapshot that changed is an error here, never a new file.
    shell::run(command.args(rest).env("INSTA_UPDATE", "no"))
}

fn timed(name: &'static str, step: impl FnOnce() -> Result<()>) -> Outcome {
    eprintln!("\n== {name}");
    let start = Instant::now();
    let error = step().err();
    if let Some(error) = &error {
        eprintln!("{name} failed: {error:#}");
    }
    Outcome { name, took: start.elapsed(), error }
}

fn summary(outcomes: &[Outcome]) -> Result<()> {
    println!("\n{:<28} {:>8}  result", "step", "seconds");
    for Outcome { name, took, error } in outcomes {
        let result = error.as_ref().map_or_else(|| "ok".to_owned(), |error| format!("FAILED: {error}"));
        println!("{name:<28} {:>8.1}  {result}", took.as_secs_f64());
    }
    let failed = outcomes.iter().filter(|outcome| outcome.error.is_some()).count();
    println!("{} steps passed, {failed} failed", outcomes.len() - failed);
    if failed > 0 { bail!("{failed} of {} steps failed", outcomes.len()) } else { Ok(()) }
}
