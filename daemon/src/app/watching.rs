//! Where visits come from: the pipeline over a camera, or a drill.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::drill::{self, Pace};
use crate::pipeline::{self, EngineFinder, Mode, PipelineParts};
use crate::recorder::Recorder;
use crate::shared::Shared;

/// Longest wait for the last decisions to be written down.
const WRITTEN_WITHIN: Duration = Duration::from_secs(10);

/// What runs and must go on running.
pub struct Watching {
    source: Source,
    recorder: Recorder,
}

enum Source {
    /// The pipeline.
    Camera(pipeline::Running),
    /// Made-up visits.
    Drill(drill::Running),
    /// Safe mode: none.
    Nothing,
}

impl Watching {
    /// Starts the pipeline.
    ///
    /// # Errors
    /// If its threads cannot be started.
    pub fn camera(
        shared: &Arc<Shared>,
        recorder: &Recorder,
        config: &Arc<Config>,
        finders: Vec<EngineFinder>,
        finished: &CancellationToken,
    ) -> anyhow::Result<Self> {
        let parts = PipelineParts {
            shared: Arc::clone(shared),
            recorder: recorder.clone(),
            config: Arc::clone(config),
            finders,
            mode: Mode::Visits,
            finished: finished.clone(),
        };
        let source = Source::Camera(pipeline::run(parts).context("starting the pipeline")?);
        Ok(Self { source, recorder: recorder.clone() })
    }

    /// Watches nothing: safe mode.
    pub fn nothing(recorder: &Recorder) -> Self {
        Self { source: Source::Nothing, recorder: recorder.clone() }
    }

    /// Starts a drill.
    ///
    /// # Errors
    /// If its thread cannot be started.
    pub fn drill(shared: &Arc<Shared>, recorder: &Recorder, pace: Pace) -> anyhow::Result<Self> {
        let running = drill::run(Arc::clone(shared), recorder.clone(), pace).context("starting the drill")?;
        Ok(Self { source: Source::Drill(running), recorder: recorder.clone() })
    }

    /// Whether it has ended without being asked to.
    pub fn died(&self) -> bool {
        match &self.source {
            Source::Camera(running) => running.died(),
            Source::Drill(running) => running.died(),
            Source::Nothing => false,
        }
    }

    /// Ends it and waits until its last decisions are written down, or the disk has refused them for too long.
    pub fn end(self) {
        match self.source {
            Source::Camera(running) => {
                running.stop();
                running.join();
            }
            Source::Drill(running) => {
                running.stop();
                running.join();
            }
            Source::Nothing => {}
        }
        if !self.recorder.settle(WRITTEN_WITHIN) {
            tracing::warn!("the last decisions were not written down in time");
        }
    }
}
