//! `ostiaryd bench-start`: start-up time and memory with a gallery of synthetic templates, until the first
//! decided visit of a recording. For `cargo xtask bench net`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use ostiary_common::ids::{PersonId, TemplateId};
use ostiary_common::wire::{Angle, ChunkKind, PersonChange, Revision, TemplateRow};
use ostiary_models::embed::Embedding;
use rand::Rng;
use tokio_util::sync::CancellationToken;

use crate::app;
use crate::config::{Config, ReplaySpeed, SourceKind};
use crate::domain::gallery_sync::{GalleryUpdate, Holdings};
use crate::pipeline::{self, PipelineParts};
use crate::recorder::{Record, Recorder};
use crate::shared::Gallery;
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
}

/// Measures and prints.
pub fn bench(args: &Args) -> anyhow::Result<ExitCode> {
    let launched = process_age().unwrap_or_default();
    let begun = Instant::now();
    let dir = std::env::temp_dir().join(format!("ostiaryd-bench-{}", std::process::id()));
    let outcome = measure(args, &dir);
    let _ = std::fs::remove_dir_all(&dir);
    let prepared = outcome?;
    let start_ms = (launched + begun.elapsed()).saturating_sub(prepared).as_secs_f64() * 1000.0;
    let (_, peak) = memory_bytes().context("reading this process's memory")?;
    let rss_mb = (peak as f64 / 1e6 * 10.0).round() / 10.0;
    if args.json {
        println!("{}", serde_json::json!({ "start_ms": start_ms.round(), "rss_mb": rss_mb }));
    } else {
        println!("first decision after {start_ms:.0} ms, {rss_mb} MB resident at most, {} templates", args.templates);
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs until the first decided visit; returns the time spent on making the gallery up, which a device does
/// not spend at its start.
fn measure(args: &Args, dir: &std::path::Path) -> anyhow::Result<Duration> {
    let mut config = Config::default();
    config.device.state_dir = dir.to_owned();
    config.models.pack_dir.clone_from(&args.pack);
    config.camera.source = SourceKind::Replay;
    config.replay.path.clone_from(&args.frames);
    config.replay.speed = ReplaySpeed::Max;
    super::log::start(&crate::config::LogSection { level: "warn".into(), ..config.log.clone() });
    app::make_state_dir(dir)?;
    let models = app::load_models(&config)?;
    let preparing = Instant::now();
    let mut spent = Duration::ZERO;
    if args.templates > 0 {
        let state = app::open_state(&config, &models)?;
        fill(&state.shared, args.templates, models.dimension)?;
        drop(state);
        spent = preparing.elapsed();
    }
    let state = app::open_state(&config, &models)?;
    let (recorder, records) = Recorder::new();
    let running = pipeline::run(PipelineParts {
        shared: Arc::clone(&state.shared),
        recorder,
        config: Arc::new(config),
        finders: models.finders,
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
    Ok(spent)
}

/// Random unit vectors, written in portions so that making them does not count as the daemon's memory.
fn fill(shared: &crate::shared::Shared, count: usize, dimension: usize) -> anyhow::Result<()> {
    let mut holdings = Holdings::default();
    for start in (0..count).step_by(1000) {
        let persons: Vec<PersonChange> = (start..count.min(start + 1000)).map(|_| person(dimension)).collect();
        persons.iter().for_each(|change| holdings.set(change.person, &change.templates));
        let update = GalleryUpdate { kind: ChunkKind::Changes, rev: Revision(1), holdings: holdings.clone(), persons };
        shared.cache.gallery.apply(&update, &shared.pack)?;
    }
    shared.gallery.store(Arc::new(Gallery::default()));
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
