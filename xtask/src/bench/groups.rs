//! `cargo xtask bench groups`: unknown visitors put together on labelled photos, in random orders, beside DBSCAN.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};

use super::{Profile, faces};
use crate::models::{self, environment::Environment};

/// How to measure and report.
#[derive(Args)]
pub struct GroupsArgs {
    /// End with one JSON object on one line.
    #[arg(long)]
    json: bool,
    /// Random orders.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    orders: u32,
    /// How to compile what is measured.
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
}

/// The default pack's own threshold in thousandths: what the server takes.
const OURS: &str = "930";

/// Of the pairs put together the share that belongs together, and the other way round.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Pairwise {
    precision: f64,
    recall: f64,
}

/// What an order came to.
#[derive(Deserialize)]
struct Order {
    all: Pairwise,
    quick: Pairwise,
    groups: usize,
}

/// The worker's answer; the peer reads it as it is.
#[derive(Deserialize)]
struct Answer {
    ours: BTreeMap<String, Vec<Order>>,
}

/// What the peer came to at a least similarity and number of neighbours.
#[derive(Deserialize)]
struct Peer {
    threshold: f64,
    least: u32,
    groups: usize,
    all: Pairwise,
}

/// What `--json` prints: the worst of all orders at the threshold in use, and the peer at the same one.
#[derive(Serialize)]
struct Report {
    precision: f64,
    recall: f64,
    quick_precision: f64,
    quick_recall: f64,
    dbscan_precision: f64,
    dbscan_recall: f64,
}

/// Runs the bench.
///
/// # Errors
/// If something cannot be built or run, or no order keeps a precision of 0.99.
pub fn run(args: GroupsArgs) -> Result<()> {
    let Some(labelled) = faces::labelled() else { return Ok(()) };
    let environment = Environment::groups()?;
    let mut worker = Command::new(args.profile.worker()?);
    worker.arg("groups").arg(models::pack_dir()).arg(labelled).arg(args.orders.to_string());
    let found = worker.stderr(Stdio::inherit()).output().context("running the worker")?;
    ensure!(found.status.success(), "the worker ended with {}", found.status);
    let answer: Answer = serde_json::from_slice(&found.stdout).context("the worker's answer")?;
    let peers = peer(&environment, &found.stdout)?;
    print(&answer, &peers);
    let report = Report::of(&answer, &peers)?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    }
    ensure!(report.precision >= 0.99, "precision {} is below 0.99", report.precision);
    Ok(())
}

fn peer(environment: &Environment, given: &[u8]) -> Result<Vec<Peer>> {
    let mut child = environment.script("dbscan.py").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    // It reads all before it answers.
    child.stdin.take().context("the peer's input")?.write_all(given)?;
    let found = child.wait_with_output()?;
    ensure!(found.status.success(), "the peer ended with {}", found.status);
    serde_json::from_slice(&found.stdout).context("the peer's answer")
}

fn worst(orders: &[Order], value: impl Fn(&Order) -> f64) -> f64 {
    orders.iter().map(value).fold(f64::INFINITY, f64::min)
}

fn print(answer: &Answer, peers: &[Peer]) {
    println!("{:<10} {:>10} {:>8} {:>8}   (as they join)", "threshold", "precision", "recall", "groups");
    for (threshold, orders) in &answer.ours {
        println!(
            "ours {threshold:<5} {:>10.4} {:>8.4} {:>8}   {:.4} {:.4}",
            worst(orders, |order| order.all.precision),
            worst(orders, |order| order.all.recall),
            orders.first().map_or(0, |order| order.groups),
            worst(orders, |order| order.quick.precision),
            worst(orders, |order| order.quick.recall),
        );
    }
    for Peer { threshold, least, groups, all } in peers {
        println!("dbscan {threshold:.3}, {least} {:>7.4} {:>8.4} {groups:>8}", all.precision, all.recall);
    }
}

impl Report {
    fn of(answer: &Answer, peers: &[Peer]) -> Result<Self> {
        let orders = answer.ours.get(OURS).context("nothing was measured at the threshold in use")?;
        let in_use = peers.iter().find(|peer| (peer.threshold - 0.93).abs() < 1e-9 && peer.least == 1);
        let dbscan = in_use.context("the peer was not measured at the threshold in use")?.all;
        Ok(Self {
            precision: worst(orders, |order| order.all.precision),
            recall: worst(orders, |order| order.all.recall),
            quick_precision: worst(orders, |order| order.quick.precision),
            quick_recall: worst(orders, |order| order.quick.recall),
            dbscan_precision: dbscan.precision,
            dbscan_recall: dbscan.recall,
        })
    }
}
