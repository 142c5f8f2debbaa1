//! Ostiary and the others on the probes: each writes the score of every pair.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::super::faces;
use crate::models::environment::Environment;
use crate::{models, shell};

/// The pipelines compared with, as `pipelines.py` names them.
pub const PEERS: [&str; 3] = ["dlib", "onnxruntime", "opencv"];
/// One probe in so many is timed for our side.
const TIMED: usize = 4;

/// A pipeline that ran.
pub struct Ran {
    /// As the table names it.
    pub title: String,
    /// Its scores; the file's stem is its name.
    pub scores: PathBuf,
    /// Mean milliseconds of a processor that a photo takes, by condition.
    pub ms: BTreeMap<String, f64>,
}

/// What `compare.py` says.
#[derive(Deserialize)]
struct Said {
    title: String,
    #[serde(default)]
    ms: BTreeMap<String, f64>,
    skipped: Option<String>,
}

/// Our side: the scores of `ostiaryd eval verify`, and the times of the same steps in the worker, one thread each.
pub fn ours(daemon: &Path, worker: &Path, probes: &Path) -> Result<Ran> {
    let scores = probes.with_file_name("ostiary.csv");
    let mut command = Command::new(daemon);
    command.args(["eval", "verify", "--json", "--pack"]).arg(models::pack_dir()).arg("--images").arg(probes);
    command.arg("--pairs").arg(probes.join("pairs.csv")).arg("--write-scores").arg(&scores);
    shell::output(&mut command).context("evaluating our side")?;
    let mut ms = BTreeMap::new();
    for condition in faces::entries(probes)?.into_iter().filter(|path| path.is_dir()) {
        let photos: Vec<PathBuf> = faces::of_people(&condition)?.into_iter().step_by(TIMED).collect();
        let sum: f64 = faces::find(worker, &photos)?.iter().map(|photo| photo.ms).sum();
        let name = condition.file_name().unwrap_or_default().to_string_lossy().into_owned();
        ms.insert(name, sum / photos.len() as f64);
    }
    Ok(Ran { title: "Ostiary".to_owned(), scores, ms })
}

/// A peer; `None`, said aloud, if a model of its is not here.
pub fn peer(environment: &Environment, name: &str, probes: &Path, optional: &Path) -> Result<Option<Ran>> {
    let scores = probes.with_file_name(format!("{name}.csv"));
    let mut script = environment.script("compare.py");
    script.arg("--pipeline").arg(name).arg("--images").arg(probes).arg("--pack").arg(models::pack_dir());
    script.arg("--scores").arg(&scores);
    if optional.is_dir() {
        script.arg("--models").arg(optional);
    }
    eprintln!("{name}: every probe on one thread takes some minutes");
    let answer = shell::output(&mut script).with_context(|| format!("running {name}"))?;
    let said: Said = serde_json::from_str(&answer).with_context(|| format!("{name} said `{answer}`"))?;
    if let Some(why) = said.skipped {
        eprintln!("SKIPPED: {name}: {why}");
        return Ok(None);
    }
    Ok(Some(Ran { title: said.title, scores, ms: said.ms }))
}
