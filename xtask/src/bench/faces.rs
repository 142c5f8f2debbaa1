//! The labelled photos that benches measure on, and where the faces in them are.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::{models, shell};

/// A photo and its faces, largest first.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Photo {
    /// The file.
    pub path: PathBuf,
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// What the default pack's detector finds in it.
    pub faces: Vec<Face>,
    /// Milliseconds of a processor that finding them and embedding the largest took.
    pub ms: f64,
}

/// A face, in pixels of its photo.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Face {
    /// The box's centre.
    pub center: [f32; 2],
    /// The box's width.
    pub width: f32,
    /// The box's height.
    pub height: f32,
    /// How far it is tilted, in degrees, clockwise.
    pub roll: f32,
}

/// The photos of the labelled people, those of each together.
///
/// # Errors
/// If a folder cannot be read.
pub fn of_people(labelled: &Path) -> Result<Vec<PathBuf>> {
    let folders = entries(&labelled.join("people"))?;
    Ok(folders.iter().map(|folder| entries(folder)).collect::<Result<Vec<_>>>()?.concat())
}

/// The labelled photos (`people`, `strangers`, `pairs.csv`), which are no part of the repository: below
/// `OSTIARY_SHARED`, or beside the checkout. `None`, said aloud, where they are missing.
pub fn labelled() -> Option<PathBuf> {
    let root = env::var_os("OSTIARY_SHARED").map_or_else(|| shell::root().join("../shared"), PathBuf::from);
    let faces = root.join("faces");
    if faces.join("people").is_dir() {
        return Some(faces);
    }
    eprintln!("SKIPPED: the labelled photos are not here (set OSTIARY_SHARED to the folder that holds `faces`)");
    None
}

/// The entries of a folder, sorted.
///
/// # Errors
/// If it cannot be read.
pub fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let reading = || format!("reading {}", dir.display());
    let found = std::fs::read_dir(dir).with_context(reading)?.map(|entry| Ok(entry?.path()));
    let mut paths: Vec<PathBuf> = found.collect::<std::io::Result<_>>().with_context(reading)?;
    paths.sort();
    Ok(paths)
}

/// Has the worker look for the faces of photos.
///
/// # Errors
/// If the worker fails or a photo cannot be read.
pub fn find(worker: &Path, photos: &[PathBuf]) -> Result<Vec<Photo>> {
    let mut command = Command::new(worker);
    command.arg("faces").arg(models::pack_dir()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("starting {}", worker.display()))?;
    let lines: String = photos.iter().map(|path| format!("{}\n", path.display())).collect();
    let mut input = child.stdin.take().context("the worker's input")?;
    // Written beside the reading: the answers of many photos are more than a pipe holds.
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().context("waiting for the worker")?;
    ensure!(output.status.success(), "looking for faces ended with {}", output.status);
    writer.join().expect("writing does not panic").context("naming photos to the worker")?;
    let text = String::from_utf8(output.stdout).context("the worker's answer")?;
    text.lines().map(|line| serde_json::from_str(line).with_context(|| format!("the worker said `{line}`"))).collect()
}
