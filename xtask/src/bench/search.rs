//! `cargo xtask bench search`: looking for the nearest person beside faiss and usearch, all exact, on one thread.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use super::Profile;
use super::net::worker::{Times, Worker};
use crate::models::environment::Environment;
use crate::shell;

/// How to measure and report.
#[derive(Args)]
pub struct SearchArgs {
    /// End with one JSON object on one line.
    #[arg(long)]
    json: bool,
    /// Rounds of ours and the peers in turn; the median of the rounds counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Leave out galleries of more templates than this.
    #[arg(long, default_value_t = 1_000_000)]
    most: usize,
    /// How to compile what is measured.
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
}

/// A made-up gallery.
struct Scene {
    name: &'static str,
    rows: usize,
    a_person: usize,
    dimension: usize,
}

/// The sizes of the report; "faces" have three templates a person, near together, and much in common.
const SCENES: [Scene; 8] = [
    Scene { name: "1000", rows: 1_000, a_person: 1, dimension: 128 },
    Scene { name: "10000", rows: 10_000, a_person: 1, dimension: 128 },
    Scene { name: "100000", rows: 100_000, a_person: 1, dimension: 128 },
    Scene { name: "1000000", rows: 1_000_000, a_person: 1, dimension: 128 },
    Scene { name: "1000 faces", rows: 999, a_person: 3, dimension: 128 },
    Scene { name: "150000 faces", rows: 150_000, a_person: 3, dimension: 128 },
    Scene { name: "999999 faces", rows: 999_999, a_person: 3, dimension: 128 },
    Scene { name: "100000 x 512", rows: 100_000, a_person: 1, dimension: 512 },
];
/// 50 000 persons with three templates each.
const DOOR: &str = "150000 faces";

/// What `--json` prints; ratios are ours / the peer's, below 1 is faster.
#[derive(Default, Serialize)]
struct Report {
    /// Against the faster of faiss query by query and in one batch.
    faiss_ratio: BTreeMap<&'static str, f64>,
    /// Against faiss query by query, as a door asks.
    faiss_single_ratio: BTreeMap<&'static str, f64>,
    usearch_ratio: BTreeMap<&'static str, f64>,
    /// The worst over all galleries.
    recall: f64,
    p99_ms_50k_x3: Option<f64>,
    swap_lost: f64,
    change_ms_50k_x3: Option<f64>,
    times_ms: BTreeMap<&'static str, Times>,
}

/// Runs the bench.
///
/// # Errors
/// If something cannot be built or run.
pub fn run(args: SearchArgs) -> Result<()> {
    let environment = Environment::peers()?;
    let worker = args.profile.worker()?;
    let mut report = Report { recall: 1.0, ..Report::default() };
    println!(
        "{:<14} {:>10} {:>12} {:>11} {:>9} {:>7}",
        "templates", "ours ms", "faiss single", "faiss batch", "usearch", "recall"
    );
    for scene in SCENES.iter().filter(|scene| scene.rows <= args.most) {
        let times = measure(scene, &environment, &worker, args.rounds)?;
        report.take(scene.name, times)?;
    }
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    }
    Ok(())
}

fn measure(scene: &Scene, environment: &Environment, worker: &Path, rounds: u32) -> Result<Times> {
    let dir = shell::target_dir().join("bench-search");
    let (rows, dimension) = (scene.rows.to_string(), scene.dimension.to_string());
    let mut ours = Command::new(worker);
    ours.arg("search").arg(&dir).args([&rows, &scene.a_person.to_string(), &dimension]);
    let mut ours = Worker::start(ours)?;
    // Its first round comes after the vectors are written, which the peer needs.
    ours.ask::<Times>("round")?;
    let mut peer = environment.script("search.py");
    peer.arg("--dir").arg(&dir).arg("--dimension").arg(&dimension);
    let mut peer = Worker::start(peer)?;
    let mut found = Vec::new();
    for _ in 0..rounds {
        let mut round: Times = ours.ask("round")?;
        round.extend(peer.ask::<Times>("round")?);
        found.push(round);
    }
    drop((ours, peer));
    std::fs::remove_dir_all(&dir).with_context(|| format!("removing {}", dir.display()))?;
    Ok(medians(&found))
}

fn medians(rounds: &[Times]) -> Times {
    let mut by_name: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (name, value) in rounds.iter().flatten() {
        by_name.entry(name.clone()).or_default().push(*value);
    }
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    by_name.into_iter().map(|(name, values)| (name, median(values))).collect()
}

impl Report {
    fn take(&mut self, name: &'static str, times: Times) -> Result<()> {
        let of = |key: &str| times.get(key).copied().with_context(|| format!("no {key} was measured"));
        let (ours, single, batch, usearch) = (of("search")?, of("faiss_single")?, of("faiss_batch")?, of("usearch")?);
        println!("{name:<14} {ours:>10.4} {single:>12.4} {batch:>11.4} {usearch:>9.3} {:>7.3}", of("recall")?);
        self.faiss_ratio.insert(name, ours / single.min(batch));
        self.faiss_single_ratio.insert(name, ours / single);
        self.usearch_ratio.insert(name, ours / usearch);
        self.recall = self.recall.min(of("recall")?);
        self.swap_lost += of("swap_lost")?;
        if name == DOOR {
            (self.p99_ms_50k_x3, self.change_ms_50k_x3) = (Some(of("p99")?), Some(of("change_ms")?));
        }
        self.times_ms.insert(name, times);
        Ok(())
    }
}
