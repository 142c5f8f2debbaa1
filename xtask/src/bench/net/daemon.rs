//! What the release daemon takes: memory with small and large galleries, time to the first decision, size.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::size_mb;
use crate::{models, shell};

/// Frames of the replayed visit; enough for a decision.
const FRAMES: &str = "45";
/// Starts measured; the median counts.
const STARTS: usize = 5;

/// What was measured.
pub struct Measured {
    pub rss_mb_1k: f64,
    pub rss_mb_50k: f64,
    pub start_ms: f64,
    pub binary_mb: f64,
}

/// The last line of `ostiaryd bench-start --json`.
#[derive(Deserialize)]
struct Start {
    start_ms: f64,
    rss_mb: f64,
}

/// Measures the release daemon on frames that `worker` draws of `portrait`.
pub fn measure(binary: &Path, worker: &Path, portrait: &Path) -> Result<Measured> {
    let frames = shell::target_dir().join("bench-net/frames");
    shell::run(Command::new(worker).arg("frames").arg(portrait).arg(&frames).arg(FRAMES))?;
    let starts = (0..STARTS).map(|_| start(binary, &frames, 1_000)).collect::<Result<Vec<_>>>()?;
    let large = start(binary, &frames, 50_000)?;
    let mut times: Vec<f64> = starts.iter().map(|found| found.start_ms).collect();
    times.sort_by(f64::total_cmp);
    Ok(Measured {
        rss_mb_1k: starts.iter().map(|found| found.rss_mb).fold(0.0, f64::max),
        rss_mb_50k: large.rss_mb,
        start_ms: times[STARTS / 2],
        binary_mb: size_mb(binary)?,
    })
}

fn start(binary: &Path, frames: &Path, templates: u32) -> Result<Start> {
    let mut command = Command::new(binary);
    command.arg("bench-start").arg("--pack").arg(models::pack_dir());
    command.arg("--templates").arg(templates.to_string()).arg("--frames").arg(frames).arg("--json");
    let answer = shell::output(&mut command)?;
    let last = answer.lines().last().context("the daemon's bench printed nothing")?;
    serde_json::from_str(last).with_context(|| format!("the daemon's bench said `{last}`"))
}
