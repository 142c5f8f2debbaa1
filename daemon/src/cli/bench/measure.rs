//! Playing the recording and taking the figures.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use ostiary_common::wire::{DeviceSettings, Revision, VisitReport};
use tokio_util::sync::CancellationToken;

use super::Args;
use super::gallery::{self, People};
use crate::app;
use crate::config::Config;
use crate::domain::trust::Proven;
use crate::pipeline::{self, Mode, PipelineParts};
use crate::recorder::{Record, Recorder, VisitSpan};
use crate::shared::{Gallery, Shared};
use crate::telemetry::{STAGES, Spent, Stage, cpu_time, memory_bytes};

/// Between looks whether a visit was decided.
const ROUND: Duration = Duration::from_millis(100);

/// A decided visit.
pub struct Visited {
    /// What was reported.
    pub report: VisitReport,
    /// When.
    pub span: VisitSpan,
}

/// What came of it.
pub struct Outcome {
    /// Frames that came.
    pub frames: u64,
    /// Frames that were dropped because newer ones came.
    pub dropped: u64,
    /// Frames that were looked at; the others showed nothing new.
    pub looked_at: u64,
    /// Faces embedded.
    pub embeddings: u64,
    /// Length of the recording.
    pub video: Duration,
    /// Time it took.
    pub wall: Duration,
    /// Time of processors it took, of all threads.
    pub cpu: Duration,
    /// Most memory resident, bytes.
    pub peak_bytes: u64,
    /// Inference threads.
    pub threads: usize,
    /// What each stage took.
    pub stages: Vec<(Stage, Spent)>,
    /// The visits, in the order of their decisions.
    pub visits: Vec<Visited>,
    /// Who is known.
    pub people: People,
}

/// Enrolls, plays, and takes the figures of the playing alone.
pub fn measure(args: &Args, config: Config) -> anyhow::Result<Outcome> {
    app::make_state_dir(&config.device.state_dir)?;
    let mut models = app::load_models(&config).context("loading the model pack")?;
    let state = app::open_state(&config, &models)?;
    let shared = state.shared;
    let engine = &mut models.finders.first_mut().context("no inference thread")?.0;
    let people = args.gallery.as_deref().map(|dir| gallery::enroll(engine, dir)).transpose()?.unwrap_or_default();
    shared.gallery.store(Arc::new(Gallery::build(Revision(1), models.dimension, people.persons.clone())));
    // There is no server to say so, and nobody to be removed.
    shared.proven.store(Arc::new(Proven { at: None, in_this_run: Some(shared.clock.elapsed()) }));
    shared.enforce(&config, &DeviceSettings::default());

    let threads = models.finders.len();
    let mode = if args.every_frame { Mode::EveryFrame } else { Mode::Visits };
    let (begun, cpu_before) = (Instant::now(), cpu_time().context("reading this process's time")?);
    let visits = play(&shared, config, models.finders, mode)?;
    let (wall, cpu) = (begun.elapsed(), cpu_time().context("reading this process's time")? - cpu_before);
    let telemetry = &shared.telemetry;
    let frames = telemetry.frames.get();
    Ok(Outcome {
        frames,
        dropped: telemetry.frames_dropped.get(),
        looked_at: telemetry.frames_processed.get(),
        embeddings: telemetry.embeddings.get(),
        video: video(frames, Duration::from_millis(telemetry.source_ms.get())),
        wall,
        cpu,
        peak_bytes: memory_bytes().map_or(0, |(_, peak)| peak),
        threads,
        stages: STAGES.iter().map(|stage| (*stage, telemetry.stages.spent(*stage))).collect(),
        visits,
        people,
    })
}

fn play(
    shared: &Arc<Shared>,
    config: Config,
    finders: Vec<pipeline::EngineFinder>,
    mode: Mode,
) -> anyhow::Result<Vec<Visited>> {
    let (recorder, records) = Recorder::new();
    let parts = PipelineParts {
        shared: Arc::clone(shared),
        recorder,
        config: Arc::new(config),
        finders,
        mode,
        finished: CancellationToken::new(),
    };
    let running = pipeline::run(parts)?;
    let mut visits = Vec::new();
    let mut trouble = None;
    // The channel closes once both threads have ended, and they do so at the end of the recording.
    loop {
        match records.recv_timeout(ROUND) {
            Ok(Record::Visit { report, span, .. }) => visits.push(Visited { report: *report, span }),
            Ok(Record::Report(report)) => {
                trouble = Some(report.detail);
                running.stop();
            }
            Ok(Record::Settle(_)) | Err(crossbeam_channel::RecvTimeoutError::Timeout) => {}
            Err(crossbeam_channel::RecvTimeoutError::Disconnected) => break,
        }
    }
    running.join();
    trouble.map_or(Ok(visits), |detail| Err(anyhow::anyhow!(detail)))
}

/// From the first frame to the end of the last, which the time of the last frame alone does not tell.
fn video(frames: u64, newest: Duration) -> Duration {
    let gaps = u32::try_from(frames.saturating_sub(1)).unwrap_or(u32::MAX);
    if gaps == 0 { newest } else { newest + newest / gaps }
}
