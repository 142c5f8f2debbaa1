//! Where visits come from: the pipeline over a camera, or a drill.

use std::sync::Arc;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::drill::{self, Pace};
use crate::pipeline::{self, EngineFinder, Mode, PipelineParts};
use crate::recorder::Recorder;
use crate::shared::Shared;

/// What runs and must go on running.
pub enum Watching {
    /// The pipeline.
    Camera(pipeline::Running),
    /// Made-up visits.
    Drill(drill::Running),
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
        Ok(Self::Camera(pipeline::run(parts).context("starting the pipeline")?))
    }

    /// Starts a drill.
    ///
    /// # Errors
    /// If its thread cannot be started.
    pub fn drill(shared: &Arc<Shared>, recorder: &Recorder, pace: Pace) -> anyhow::Result<Self> {
        let running = drill::run(Arc::clone(shared), recorder.clone(), pace).context("starting the drill")?;
        Ok(Self::Drill(running))
    }

    /// Asks it to end.
    pub fn stop(&self) {
        match self {
            Self::Camera(running) => running.stop(),
            Self::Drill(running) => running.stop(),
        }
    }

    /// Whether it has ended without being asked to.
    pub fn died(&self) -> bool {
        match self {
            Self::Camera(running) => running.died(),
            Self::Drill(running) => running.died(),
        }
    }

    /// Waits until it has ended.
    pub fn join(self) {
        match self {
            Self::Camera(running) => running.join(),
            Self::Drill(running) => running.join(),
        }
    }
}
