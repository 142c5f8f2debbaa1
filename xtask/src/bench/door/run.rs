//! Runs the daemon's bench and the peer on a scene.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::judge::Decision;
use crate::models::environment::Environment;
use crate::{models, shell};

/// The daemon, and who is known.
pub struct Runner<'a> {
    pub daemon: &'a Path,
    pub gallery: &'a Path,
}

/// What `ostiaryd bench --json` says.
#[derive(Deserialize)]
pub struct Outcome {
    pub video_s: f64,
    pub cpu_s: f64,
    pub cpu_percent: f64,
    pub decision_ms: Waits,
    pub visits: Vec<Decision>,
}

/// From a frame to the decision it brought, in milliseconds.
#[derive(Deserialize)]
pub struct Waits {
    pub p95: Option<f64>,
}

/// What the peer says; it decides frame by frame, so a visit of its is a frame with a match.
#[derive(Deserialize)]
pub struct PeerOutcome {
    pub cpu_s: f64,
    pub visits: Vec<Decision>,
}

impl Runner<'_> {
    /// As fast as it goes, on one thread of inference.
    pub fn at_most_speed(&self, video: &Path) -> Result<Outcome> {
        self.bench(video, &["--speed", "max", "--threads", "1"])
    }

    /// As a camera would give the frames, on as many threads as the daemon takes by itself.
    pub fn at_true_speed(&self, video: &Path) -> Result<Outcome> {
        self.bench(video, &["--speed", "true"])
    }

    /// The daemon's own frame-by-frame pipeline.
    pub fn every_frame(&self, video: &Path) -> Result<Outcome> {
        self.bench(video, &["--speed", "max", "--threads", "1", "--every-frame"])
    }

    /// The same nets on onnxruntime, frame by frame.
    pub fn onnxruntime(&self, video: &Path, environment: &Environment) -> Result<PeerOutcome> {
        let mut command = environment.script("door.py");
        command.arg("--pack").arg(models::pack_dir()).arg("--clip").arg(video).arg("--gallery").arg(self.gallery);
        answer(&mut command)
    }

    fn bench(&self, video: &Path, how: &[&str]) -> Result<Outcome> {
        let mut command = Command::new(self.daemon);
        command.arg("bench").arg("--clip").arg(video).arg("--gallery").arg(self.gallery);
        command.arg("--pack").arg(models::pack_dir()).args(["--liveness", "report", "--json"]).args(how);
        answer(&mut command)
    }
}

fn answer<T: for<'a> Deserialize<'a>>(command: &mut Command) -> Result<T> {
    let text = shell::output(command)?;
    let last = text.lines().last().context("a bench printed nothing")?;
    serde_json::from_str(last).with_context(|| format!("a bench said `{last}`"))
}
