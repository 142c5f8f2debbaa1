//! `cargo xtask bench peers`: the labelled photos at full size, and their faces as a camera sees them (small, tilted,
//! dark, moving), through Ostiary and through the pipelines people use today; the same error rates of all, with
//! intervals. `docs/accuracy.md` tells what the figures mean and what came out.

mod pipelines;
mod report;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use super::{Profile, faces};
use crate::models::environment::Environment;
use crate::shell;
use report::Report;

/// How to measure and report.
#[derive(Args)]
pub struct PeersArgs {
    /// End with one JSON object on one line.
    #[arg(long)]
    json: bool,
    /// Print the table as it stands in `docs/accuracy.md`.
    #[arg(long)]
    markdown: bool,
    /// How to compile what is measured.
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
}

/// Measures.
///
/// # Errors
/// If something cannot be built or run.
pub fn run(args: PeersArgs) -> Result<()> {
    let Some(labelled) = faces::labelled() else { return Ok(()) };
    let environment = Environment::peers()?;
    let (worker, daemon) = (args.profile.worker()?, args.profile.daemon()?);
    let probes = draw(&environment, &worker, &labelled)?;
    let mut ran = vec![pipelines::ours(&daemon, &worker, &probes)?];
    let optional = labelled.join("../models/optional");
    for name in pipelines::PEERS {
        ran.extend(pipelines::peer(&environment, name, &probes, &optional)?);
    }
    let report = Report::of(&environment, ran)?;
    if args.markdown {
        report.print_markdown();
    } else {
        report.print();
    }
    if args.json {
        println!("{}", serde_json::to_string(&report.json())?);
    }
    Ok(())
}

/// Draws the probes and says where they are.
fn draw(environment: &Environment, worker: &Path, labelled: &Path) -> Result<PathBuf> {
    let photos = faces::find(worker, &faces::of_people(labelled)?)?;
    let lines: Vec<String> = photos.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    let (list, probes) = (environment.dir().join("faces.jsonl"), environment.dir().join("probes"));
    fs::write(&list, lines.join("\n")).with_context(|| format!("writing {}", list.display()))?;
    let mut script = environment.script("probes.py");
    script.arg("--faces").arg(&list).arg("--root").arg(labelled).arg("--out").arg(&probes);
    shell::output(&mut script).context("drawing the probes")?;
    Ok(probes)
}
