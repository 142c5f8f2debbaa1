//! The capture thread: opens the source, hands frames on, and opens it again when it is lost, for ever.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ostiary_common::wire::ReportKind;

use super::mailbox::Mailbox;
use crate::config::{Config, DropPolicy, ReplaySpeed, SourceKind};
use crate::domain::backoff::Backoff;
use crate::ports::{FrameSource, Losses, Next, SourceError};
use crate::recorder::Recorder;
use crate::shared::Shared;
use crate::source;

/// Between attempts to open a lost source. The longest wait is how late a camera that works again may be found.
const REOPEN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(4));
/// The longest sleep without a sign of life.
const NAP: Duration = Duration::from_millis(250);

/// What the thread needs.
pub struct Capture {
    pub shared: Arc<Shared>,
    pub recorder: Recorder,
    pub config: Arc<Config>,
    pub mailbox: Arc<Mailbox>,
}

/// How a source came to its end.
enum End {
    Finished,
    Closed,
    Lost(SourceError, bool),
}

impl Capture {
    /// Works until the mailbox is closed or a recording is at its end.
    pub fn run(self) {
        let epoch = Instant::now();
        let mut backoff = Backoff::new(REOPEN.0, REOPEN.1);
        let mut is_lost = false;
        while !self.mailbox.is_closed() {
            match self.play(epoch, &mut is_lost) {
                End::Closed => return,
                End::Finished => {
                    tracing::info!("the recording is at its end");
                    self.mailbox.interrupt();
                    self.mailbox.close();
                    return;
                }
                End::Lost(error, gave_frames) => {
                    if gave_frames {
                        backoff.reset();
                    }
                    self.lost(&error, &mut is_lost);
                    self.nap(backoff.next(rand::random()));
                }
            }
        }
    }

    /// Opens the source and hands frames on until it ends. The `v4l` crate panics when a stream cannot be
    /// stopped; that is one more way of losing a camera.
    fn play(&self, epoch: Instant, is_lost: &mut bool) -> End {
        let mut gave_frames = false;
        let attempt = std::panic::AssertUnwindSafe(|| {
            let mut source = source::open(&self.config, epoch)?;
            tracing::info!("camera: {}", source.describe());
            self.hand_on(source.as_mut(), is_lost, &mut gave_frames)
        });
        match std::panic::catch_unwind(attempt) {
            Ok(Ok(end)) => end,
            Ok(Err(error)) => End::Lost(error, gave_frames),
            Err(_) => End::Lost(SourceError("the camera driver's library panicked".into()), gave_frames),
        }
    }

    fn hand_on(
        &self,
        source: &mut dyn FrameSource,
        is_lost: &mut bool,
        gave_frames: &mut bool,
    ) -> Result<End, SourceError> {
        let waits = waits(&self.config);
        while !self.mailbox.is_closed() {
            let next = source.next();
            self.count(source.losses());
            let Next::Frame(frame) = next? else { return Ok(End::Finished) };
            if std::mem::take(is_lost) {
                tracing::info!("the camera gives frames again");
                self.recorder.report(&self.shared, ReportKind::CameraRecovered, "frames come again");
            }
            *gave_frames = true;
            self.beat();
            self.shared.telemetry.frames.add_one();
            self.shared.board.glimpse.show(&frame.picture);
            self.shared.telemetry.source_ms.set(u64::try_from(frame.at.as_millis()).unwrap_or(u64::MAX));
            if waits {
                self.mailbox.put_waiting(frame);
            } else if self.mailbox.put_newest(frame) {
                self.shared.telemetry.frames_dropped.add_one();
            }
        }
        Ok(End::Closed)
    }

    fn count(&self, losses: Losses) {
        self.shared.telemetry.frames_lost.add(losses.lost);
        self.shared.telemetry.frames_damaged.add(losses.damaged);
    }

    fn lost(&self, error: &SourceError, is_lost: &mut bool) {
        self.mailbox.interrupt();
        if std::mem::replace(is_lost, true) {
            tracing::debug!(%error, "the camera is still lost: {error}");
            return;
        }
        tracing::error!(%error, "no frames: {error}");
        self.shared.telemetry.camera_lost.add_one();
        self.recorder.report(&self.shared, ReportKind::CameraLost, &error.to_string());
    }

    fn nap(&self, wait: Duration) {
        let end = Instant::now() + wait;
        let was_there = source::is_there(&self.config);
        while Instant::now() < end && !self.mailbox.is_closed() {
            // Plugged in again: no more waiting.
            if !was_there && source::is_there(&self.config) {
                return;
            }
            self.beat();
            std::thread::sleep(NAP.min(end.saturating_duration_since(Instant::now())));
        }
    }

    fn beat(&self) {
        self.shared.heartbeats.capture.beat(self.shared.clock.elapsed());
    }
}

/// Whether the source waits until its frames are taken; else the newest wins.
pub fn waits(config: &Config) -> bool {
    let replays = config.camera.source == SourceKind::Replay;
    match config.camera.drop {
        DropPolicy::Newest => false,
        DropPolicy::None => replays,
        DropPolicy::Auto => replays && config.replay.speed == ReplaySpeed::Max,
    }
}
