//! The bare nets on every kind of kernels this machine has, each beside onnxruntime in the same run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::worker::{Times, Worker};
use super::{golden, median, round};
use crate::models::{self, environment::Environment};

/// What the worker may be asked to compute with; those this machine lacks are left out.
const KERNELS: [&str; 6] = ["auto", "avx512", "avx2", "sse2", "neon", "stock"];
const NETS: [&str; 2] = ["detector", "embedder"];

/// One kind of kernels; ratios are ours / onnxruntime, below 1 is faster.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Figures {
    pub detector_ratio: f64,
    pub embedder_ratio: f64,
    /// Largest difference of an output to onnxruntime's.
    pub detector_difference: f64,
    pub embedder_difference: f64,
    /// Milliseconds of a run, and of reading and preparing the net.
    pub detector_ms: f64,
    pub embedder_ms: f64,
    pub detector_load_ms: f64,
    pub embedder_load_ms: f64,
}

/// All of them, by name; with them onnxruntime's milliseconds.
pub struct Paths {
    pub figures: BTreeMap<String, Figures>,
    pub peer: Times,
}

/// One worker for each kind of kernels, and the peer.
pub struct Runners {
    ours: Vec<(&'static str, Worker)>,
    peer: Worker,
    /// Milliseconds by net, of the peer under "".
    rounds: Vec<BTreeMap<(&'static str, &'static str), f64>>,
}

impl Runners {
    /// Starts all that this machine has.
    pub fn start(environment: &Environment, worker: &Path) -> Result<Self> {
        let (pack, input, chip) = inputs();
        let mut peer = environment.script("bench_onnxruntime.py");
        peer.arg("--pack").arg(&pack).arg("--detector-input").arg(&input).arg("--chip").arg(&chip);
        let mut ours = Vec::new();
        for name in KERNELS {
            let mut command = Command::new(worker);
            command.arg("bare-nets").arg(&pack).arg(&input).arg(&chip).arg(name);
            let mut runner = Worker::start(command)?;
            let used: BTreeMap<String, String> = runner.ask("kernels")?;
            if matches!(name, "auto" | "stock") || used.values().all(|used| used.ends_with(name)) {
                ours.push((name, runner));
            }
        }
        Ok(Self { ours, peer: Worker::start(peer)?, rounds: Vec::new() })
    }

    /// Measures each net on each in turn.
    pub fn round(&mut self) -> Result<()> {
        let mut times = BTreeMap::new();
        for net in NETS {
            times.insert(("", net), time(&mut self.peer, net)?);
            for (name, runner) in &mut self.ours {
                times.insert((*name, net), time(runner, net)?);
            }
        }
        self.rounds.push(times);
        Ok(())
    }

    /// What came out. A ratio is the median of the rounds' ratios, for machines are not equally busy in all.
    pub fn finish(mut self) -> Result<Paths> {
        let expected: BTreeMap<String, Vec<f64>> = self.peer.ask("outputs")?;
        let mut figures = BTreeMap::new();
        for (name, runner) in &mut self.ours {
            let found: BTreeMap<String, Vec<f64>> = runner.ask("outputs")?;
            let loads: Times = runner.ask("load")?;
            let ms = |net| median(self.rounds.iter().map(|times| times[&(*name, net)]).collect());
            let ratio =
                |net| median(self.rounds.iter().map(|times| times[&(*name, net)] / times[&("", net)]).collect());
            let of = Figures {
                detector_ratio: round(ratio("detector")),
                embedder_ratio: round(ratio("embedder")),
                detector_difference: difference(&found, &expected, "detector")?,
                embedder_difference: difference(&found, &expected, "embedder")?,
                detector_ms: round(ms("detector")),
                embedder_ms: round(ms("embedder")),
                detector_load_ms: round(loads["detector"]),
                embedder_load_ms: round(loads["embedder"]),
            };
            figures.insert((*name).to_owned(), of);
        }
        let peer_ms = |net| round(median(self.rounds.iter().map(|times| times[&("", net)]).collect()));
        let peer = NETS.iter().map(|net| (format!("{net}_net"), peer_ms(net))).collect();
        Ok(Paths { figures, peer })
    }
}

fn inputs() -> (PathBuf, PathBuf, PathBuf) {
    (models::pack_dir(), golden("frame_256x192.png"), golden("chip_150x150.png"))
}

fn time(worker: &mut Worker, net: &str) -> Result<f64> {
    let times: Times = worker.ask(net)?;
    match times.get(net) {
        Some(time) if *time > 0.0 => Ok(*time),
        found => bail!("a worker's time for the {net} is {found:?}"),
    }
}

fn difference(ours: &BTreeMap<String, Vec<f64>>, peer: &BTreeMap<String, Vec<f64>>, net: &str) -> Result<f64> {
    let (ours, peer) = (ours.get(net).context("our outputs")?, peer.get(net).context("the peer's outputs")?);
    if ours.len() != peer.len() {
        bail!("the {net} gives {} values, onnxruntime {}", ours.len(), peer.len());
    }
    Ok(ours.iter().zip(peer).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max))
}
