//! What was packed, in figures: how large each program is, and, where it can be run, what it takes once it has started.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::build::Target;
use super::stage::Part;
use crate::lab::Server;
use crate::{models, shell};

/// Persons the daemon knows when it is measured.
const TEMPLATES: &str = "1000";

/// A program's figures.
#[derive(Serialize)]
pub struct Figures {
    program: &'static str,
    target: &'static str,
    /// Without symbols, as it is installed.
    binary_mb: f64,
    /// Resident: the server once it listens, the daemon after its first decision with 1 000 persons. `None` where it is
    /// another processor's.
    start_rss_mb: Option<f64>,
    /// Until then.
    start_ms: Option<f64>,
}

/// A part of what `ostiaryd bench-start --json` says.
#[derive(Deserialize)]
struct Start {
    start_ms: f64,
    rss_mb: f64,
}

/// Measures the program of a part as it was laid out in `staged`; `None` if it has none.
///
/// # Errors
/// If it does not start.
pub fn measure(part: Part, target: Target, staged: &Path, scratch: &Path) -> Result<Option<Figures>> {
    let Some(program) = part.program() else { return Ok(None) };
    let path = staged.join("usr/bin").join(program);
    let bytes = fs::metadata(&path).with_context(|| format!("looking at {}", path.display()))?.len();
    let started = (target == Target::host()).then(|| start(part, &path, scratch)).transpose()?.flatten();
    Ok(Some(Figures {
        program,
        target: target.triple(),
        binary_mb: bytes as f64 / 1e6,
        start_rss_mb: started.as_ref().map(|start| start.rss_mb),
        start_ms: started.as_ref().map(|start| start.start_ms),
    }))
}

fn start(part: Part, program: &Path, scratch: &Path) -> Result<Option<Start>> {
    let _ = fs::remove_dir_all(scratch);
    fs::create_dir_all(scratch)?;
    let start = match part {
        Part::Daemon => daemon(program, scratch).map(Some),
        Part::Server => server(program, scratch).map(Some),
        Part::Pack => Ok(None),
    };
    fs::remove_dir_all(scratch)?;
    start
}

fn daemon(program: &Path, scratch: &Path) -> Result<Start> {
    let clip = scratch.join("clip.mjpeg");
    shell::run(shell::command(shell::dev_binary("ostiary-media"), &["clip"]).arg(&clip))?;
    let mut bench = shell::command(program, &["bench-start", "--templates", TEMPLATES, "--json", "--pack"]);
    let answer = shell::output(bench.arg(models::pack_dir()).arg("--frames").arg(&clip))?;
    let last = answer.lines().last().context("the daemon's bench printed nothing")?;
    serde_json::from_str(last).with_context(|| format!("the daemon's bench said `{last}`"))
}

fn server(program: &Path, scratch: &Path) -> Result<Start> {
    let begun = std::time::Instant::now();
    let server = Server::start_program(program, scratch, "127.0.0.1")?;
    Ok(Start { start_ms: begun.elapsed().as_secs_f64() * 1e3, rss_mb: server.resident_mb()? })
}

/// Figures as a table.
pub fn table(all: &[Figures]) -> String {
    let or_dash = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.0}"));
    let line = |f: &Figures| {
        let (memory, time) = (or_dash(f.start_rss_mb), or_dash(f.start_ms));
        format!("{:<15} {:<26} {:>9.1} {memory:>12} {time:>10}", f.program, f.target, f.binary_mb)
    };
    let head = format!("{:<15} {:<26} {:>9} {:>12} {:>10}", "program", "target", "size MB", "resident MB", "start ms");
    std::iter::once(head).chain(all.iter().map(line)).collect::<Vec<_>>().join("\n")
}
