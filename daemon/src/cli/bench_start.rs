//! `ostiaryd bench-start`: start-up time and memory with a gallery of synthetic templates, until the first
//! decided visit of a recording. For `cargo xtask bench net`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use ostiary_common::ids::{PersonId, TemplateId};
use ostiary_common::wire::{Angle, PersonChange, Revision, TemplateRow};
use ostiary_models::embed::Embedding;
use rand::Rng;
use tokio_util::sync::CancellationToken;

use crate::app;
use crate::config::{Config, ReplaySpeed, SourceKind};
use crate::domain::holdings::{GalleryHead, GalleryStep, Holdings};
use crate::pipeline::{self, PipelineParts};
use crate::recorder::{Record, Recorder};
use crate::telemetry::memory_bytes;

/// Longest wait for a decision.
const LIMIT: Duration = Duration::from_secs(120);

/// Measure start-up and memory.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model pack.
    #[arg(long)]
    pack: PathBuf,
    /// Synthetic templates in the gallery, one a person.
    #[arg(long)]
    templates: usize,
    /// The recording.
    #[arg(long)]
    frames: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// The state directory that was prepared; given by the program to itself.
    #[arg(long)]
    prepared: Option<PathBuf>,
}

/// Prepares a state directory, then measures in a process of its own, so that preparing counts for nothing.
pub fn bench(args: &Args) -> anyhow::Result<ExitCode> {
    if let Some(dir) = &args.prepared {
        return measured(args, dir);
    }
    let dir = std::env::temp_dir().join(format!("ostiaryd-bench-{}", std::process::id()));
    let outcome = prepare(args, &dir).and_then(|()| measure_in_child(&dir));
    let _ = std::fs::remove_dir_all(&dir);
    outcome
}

fn measure_in_child(dir: &Path) -> anyhow::Result<ExitCode> {
    let program = std::env::current_exe().context("finding this program")?;
    let status = std::process::Command::new(program)
        .args(std::env::args_os().skip(1))
        .arg("--prepared")
        .arg(dir)
        .status()
        .context("starting this program again")?;
    anyhow::ensure!(status.success(), "measuring failed: {status}");
    Ok(ExitCode::SUCCESS)
}

fn measured(args: &Args, dir: &Path) -> anyhow::Result<ExitCode> {
    let launched = process_age().unwrap_or_default();
    let begun = Instant::now();
    measure(args, dir)?;
    let start_ms = (launched + begun.elapsed()).as_secs_f64() * 1000.0;
    let (_, peak) = memory_bytes().context("reading this process's memory")?;
    let rss_mb = (peak as f64 / 1e6 * 10.0).round() / 10.0;
    if args.json {
        println!("{}", serde_json::json!({ "start_ms": start_ms.round(), "rss_mb": rss_mb }));
    } else {
        println!("first decision after {start_ms:.0} ms, {rss_mb} MB resident at most, {} templates", args.templates);
    }
    Ok(ExitCode::SUCCESS)
}

fn config(args: &Args, dir: &Path) -> Config {
    let mut config = Config::default();
    config.device.state_dir = dir.to_owned();
    config.models.pack_dir.clone_from(&args.pack);
    config.camera.source = SourceKind::Replay;
    config.replay.path.clone_from(&args.frames);
    config.replay.speed = ReplaySpeed::Max;
    config.log.level = "warn".into();
    config.recognition.unproven_grace_s = 0;
    config
}

fn prepare(args: &Args, dir: &Path) -> anyhow::Result<()> {
    let config = config(args, dir);
    app::make_state_dir(dir)?;
    let models = app::load_models(&config)?;
    let state = app::open_state(&config, &models)?;
    fill(&state.shared, args.templates, models.dimension)
}

/// Starts as the daemon does and runs until the first decided visit.
fn measure(args: &Args, dir: &Path) -> anyhow::Result<()> {
    let config = config(args, dir);
    super::log::start(&config.log);
    let models = app::load_models(&config)?;
    let state = app::open_state(&config, &models)?;
    let (recorder, records) = Recorder::new();
    let running = pipeline::run(PipelineParts {
        shared: Arc::clone(&state.shared),
        recorder,
        config: Arc::new(config),
        finders: models.finders,
        mode: pipeline::Mode::Visits,
        finished: CancellationToken::new(),
    })?;
    loop {
        let record = records.recv_timeout(LIMIT).context("no visit was decided: does the recording show a face?")?;
        if matches!(record, Record::Visit { .. }) {
            break;
        }
    }
    running.stop();
    drop(records);
    running.join();
    Ok(())
}

/// Random unit vectors, one a person, written in portions.
fn fill(shared: &crate::shared::Shared, count: usize, dimension: usize) -> anyhow::Result<()> {
    let mut holdings = Holdings::default();
    let head = GalleryHead { rev: Revision(1), proven_at: Some(shared.clock.wall()), ..GalleryHead::default() };
    for start in (0..count).step_by(1000) {
        let changes: Vec<PersonChange> = (start..count.min(start + 1000)).map(|_| person(dimension)).collect();
        let digest = holdings.digest_after(&changes);
        let step = GalleryStep { changes, stamp: 0, head: GalleryHead { digest, ..head } };
        holdings.take(&step);
        shared.cache.gallery.apply(&step, &shared.pack)?;
    }
    Ok(())
}

fn person(dimension: usize) -> PersonChange {
    let mut random = rand::rng();
    let raw = (0..dimension).map(|_| random.random_range(-1.0..1.0_f32)).collect();
    let embedding = Embedding::from_raw(raw).expect("random values are not all zero");
    let row = TemplateRow {
        id: TemplateId::generate(),
        version: 1,
        angle: Angle::Frontal,
        embedding: embedding.to_le_bytes().into(),
    };
    PersonChange { person: PersonId::generate(), rev: Revision(1), templates: vec![row] }
}

/// How long this process has been there, as the kernel has it, in steps of 10 ms.
fn process_age() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let started_ticks: f64 = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()?;
    let uptime: f64 = std::fs::read_to_string("/proc/uptime").ok()?.split_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(uptime - started_ticks / 100.0).ok()
}
