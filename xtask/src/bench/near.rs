//! `cargo xtask bench near`: from which similarity on two photos show the same look, on labelled photos.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;

use super::{Profile, faces};
use crate::models;

/// How to measure and report.
#[derive(Args)]
pub struct NearArgs {
    /// End with one JSON object on one line.
    #[arg(long)]
    json: bool,
    /// How to compile what is measured.
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
}

/// Runs the bench.
///
/// # Errors
/// If something cannot be built or run.
pub fn run(args: &NearArgs) -> Result<()> {
    let Some(labelled) = faces::labelled() else { return Ok(()) };
    let mut worker = Command::new(args.profile.worker()?);
    worker.arg("near").arg(models::pack_dir()).arg(labelled);
    let found = worker.stderr(Stdio::inherit()).output().context("running the worker")?;
    ensure!(found.status.success(), "the worker ended with {}", found.status);
    let found: Value = serde_json::from_slice(&found.stdout).context("the worker's answer")?;
    let column = |name: &str| found[name].as_array().cloned().unwrap_or_default();
    let (limits, copies, others) = (column("limits"), column("copies_reaching"), column("others_reaching"));
    println!(
        "{} photos, {} copies, {} pairs of different photos of a person",
        found["photos"], found["copies"], found["pairs"]
    );
    println!("{:>10} {:>10} {:>14}", "similarity", "copies", "other photos");
    for ((limit, copies), others) in limits.iter().zip(&copies).zip(&others) {
        let share = |value: &Value| 100.0 * value.as_f64().unwrap_or(f64::NAN);
        println!("{:>10.3} {:>8.1} % {:>12.1} %", limit.as_f64().unwrap_or(f64::NAN), share(copies), share(others));
    }
    if args.json {
        println!("{found}");
    }
    Ok(())
}
