//! `cargo xtask bench net`: the nets stage by stage beside onnxruntime in the same run; memory, start and size
//! of the daemon.

mod daemon;
mod paths;
pub mod worker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;

use crate::models::{self, environment::Environment};
use crate::shell;
use paths::{Figures, Runners};
use worker::{Times, Worker};

use super::Profile;

/// How to measure and report.
#[derive(Args)]
pub struct NetArgs {
    /// End with one JSON object on one line.
    #[arg(long)]
    json: bool,
    /// Rounds of ours and onnxruntime in turn; the median of the rounds counts.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Measure the nets only, not the daemon (whose release build takes minutes).
    #[arg(long)]
    nets_only: bool,
    /// How to compile what is measured.
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
}

/// What `--json` prints; ratios are ours / onnxruntime, below 1 is faster.
#[derive(Serialize)]
struct Report {
    detector_ratio: f64,
    embedder_ratio: f64,
    pipeline_ms: f64,
    rss_mb_1k: Option<f64>,
    rss_mb_50k: Option<f64>,
    start_ms: Option<f64>,
    binary_mb: Option<f64>,
    stages_ms: Times,
    onnxruntime_ms: Times,
    /// By kind of kernels: `auto`, each instruction set this machine has, and `stock`.
    paths: BTreeMap<String, Figures>,
}

/// Measures.
///
/// # Errors
/// If something cannot be built or run.
pub fn run(args: NetArgs) -> Result<()> {
    let environment = Environment::prepare()?;
    let worker = args.profile.worker()?;
    let (ours, paths) = alternate(&environment, &worker, args.rounds)?;
    let auto = paths.figures.get("auto").cloned().context("the worker has no kernels of its own choice")?;
    let daemon = match args.nets_only {
        true => None,
        false => {
            let binary = args.profile.daemon()?;
            Some(daemon::measure(&binary, &worker, &portrait())?)
        }
    };
    let report = Report {
        detector_ratio: auto.detector_ratio,
        embedder_ratio: auto.embedder_ratio,
        pipeline_ms: round(time(&ours, "pipeline")?),
        rss_mb_1k: daemon.as_ref().map(|found| found.rss_mb_1k),
        rss_mb_50k: daemon.as_ref().map(|found| found.rss_mb_50k),
        start_ms: daemon.as_ref().map(|found| found.start_ms),
        binary_mb: daemon.as_ref().map(|found| found.binary_mb),
        stages_ms: ours,
        onnxruntime_ms: paths.peer,
        paths: paths.figures,
    };
    print_table(&report);
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    }
    Ok(())
}

fn golden(name: &str) -> PathBuf {
    shell::root().join("models/tests/golden").join(name)
}

fn portrait() -> PathBuf {
    golden("astronaut.jpg")
}

/// Ours and onnxruntime in turn, so that both meet the same machine; of the stages the median over the rounds.
fn alternate(environment: &Environment, worker: &Path, rounds: u32) -> Result<(Times, paths::Paths)> {
    let mut stages = Command::new(worker);
    stages.arg("net").arg(models::pack_dir()).arg(portrait());
    let mut stages = Worker::start(stages)?;
    let mut runners = Runners::start(environment, worker)?;
    let mut stage_rounds = Vec::new();
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        runners.round()?;
        stage_rounds.push(stages.ask("round")?);
    }
    let (mut ours, paths) = (medians(&stage_rounds), runners.finish()?);
    if let Some(auto) = paths.figures.get("auto") {
        ours.insert("detector_net".to_owned(), auto.detector_ms);
        ours.insert("embedder_net".to_owned(), auto.embedder_ms);
    }
    Ok((ours, paths))
}

fn medians(rounds: &[Times]) -> Times {
    let mut by_stage: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (stage, time) in rounds.iter().flatten() {
        by_stage.entry(stage).or_default().push(*time);
    }
    by_stage.into_iter().map(|(stage, times)| (stage.to_owned(), round(median(times)))).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn time(times: &Times, stage: &str) -> Result<f64> {
    match times.get(stage) {
        Some(time) if *time > 0.0 => Ok(*time),
        found => bail!("the worker's time for {stage} is {found:?}"),
    }
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn print_table(report: &Report) {
    println!("{:<14} {:>9} {:>12} {:>7}", "stage", "ours ms", "onnxruntime", "ratio");
    for (stage, ours) in &report.stages_ms {
        match report.onnxruntime_ms.get(stage) {
            Some(peer) => println!("{stage:<14} {ours:>9.2} {peer:>12.2} {:>7.2}", ours / peer),
            None => println!("{stage:<14} {ours:>9.2}"),
        }
    }
    println!(
        "\n{:<8} {:>15} {:>15} {:>12} {:>12}",
        "kernels", "detector ratio", "embedder ratio", "difference", "load ms"
    );
    for (name, path) in &report.paths {
        let difference = path.detector_difference.max(path.embedder_difference);
        let load = path.detector_load_ms + path.embedder_load_ms;
        let (detector, embedder) = (path.detector_ratio, path.embedder_ratio);
        println!("{name:<8} {detector:>15.3} {embedder:>15.3} {difference:>12.1e} {load:>12.0}");
    }
    let rows = [
        ("peak memory, 1 000 templates", report.rss_mb_1k, "MB"),
        ("peak memory, 50 000 templates", report.rss_mb_50k, "MB"),
        ("start to first decided visit", report.start_ms, "ms"),
        ("release binary, stripped", report.binary_mb, "MB"),
    ];
    for (what, value, unit) in rows {
        if let Some(value) = value {
            println!("{what:<32} {value:>8.1} {unit}");
        }
    }
}

/// The size of a file in MB (10^6 bytes).
fn size_mb(path: &Path) -> Result<f64> {
    let bytes = std::fs::metadata(path).with_context(|| format!("reading the size of {}", path.display()))?.len();
    Ok(round(bytes as f64 / 1e6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_round_counts_stage_by_stage() {
        let round = |a: f64, b: f64| Times::from([("a".to_owned(), a), ("b".to_owned(), b)]);
        let found = medians(&[round(1.0, 9.0), round(3.0, 8.0), round(2.0, 7.0)]);
        assert_eq!(found, round(2.0, 8.0));
        assert_eq!(time(&found, "a").unwrap(), 2.0);
        assert!(time(&found, "c").is_err());
    }
}
