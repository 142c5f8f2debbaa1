//! Starting and ending the pipeline's threads.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::capture::{self, Capture};
use super::decided::Decided;
use super::every_frame::EveryFrame;
use super::look::{Pipeline, Setup};
use super::mailbox::{Mailbox, Taken};
use crate::config::{Config, SourceKind};
use crate::ports::{FaceFinder, Frame};
use crate::recorder::Recorder;
use crate::shared::Shared;

/// The longest wait for a frame without a sign of life.
const ROUND: Duration = Duration::from_millis(500);
/// Re-entry suppression of a camera, if nothing is configured; in replay there is none.
pub const REENTRY_S: f64 = 5.0;

/// Looks at frames one after the other, on one thread.
pub trait Looks: Send {
    /// Looks at a frame; returns the visits decided by it.
    fn process(&mut self, frame: &Frame) -> Vec<Decided>;

    /// The source is gone or at its end: everybody is out of sight.
    fn end_all(&mut self) -> Vec<Decided>;
}

/// How frames are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Visits, each decided once.
    #[default]
    Visits,
    /// Every face of every frame, each frame for itself: to measure against.
    EveryFrame,
}

/// What the threads need.
pub struct PipelineParts<F> {
    /// Shared with the rest.
    pub shared: Arc<Shared>,
    /// Where decided visits go.
    pub recorder: Recorder,
    /// The configuration.
    pub config: Arc<Config>,
    /// One for each inference thread.
    pub finders: Vec<F>,
    /// How frames are looked at.
    pub mode: Mode,
    /// Cancelled when the source has ended and everything is decided.
    pub finished: CancellationToken,
}

/// The running threads.
pub struct Running {
    mailbox: Arc<Mailbox>,
    capture: JoinHandle<()>,
    look: JoinHandle<()>,
}

/// Starts the threads.
///
/// # Errors
/// If a thread cannot be started.
pub fn run<F: FaceFinder + 'static>(parts: PipelineParts<F>) -> std::io::Result<Running> {
    let PipelineParts { shared, recorder, config, mut finders, mode, finished } = parts;
    let mailbox = Arc::new(Mailbox::default());
    let gap = Duration::from_millis(config.recognition.track_gap_ms);
    let default_reentry_s = if config.camera.source == SourceKind::Replay { 0.0 } else { REENTRY_S };
    let reentry = Duration::from_secs_f64(config.recognition.reentry_s.unwrap_or(default_reentry_s));
    let own = finders.pop().ok_or_else(|| std::io::Error::other("a pipeline has at least one finder"))?;
    let mut looks: Box<dyn Looks> = match mode {
        Mode::EveryFrame => Box::new(EveryFrame::new(Arc::clone(&shared), own)),
        Mode::Visits => {
            let setup = Setup { max_gap: gap, reentry, is_live: !capture::waits(&config) };
            Box::new(Pipeline::new(Arc::clone(&shared), own, finders, setup)?)
        }
    };
    let capture =
        Capture { shared: Arc::clone(&shared), recorder: recorder.clone(), config, mailbox: Arc::clone(&mailbox) };
    let inbox = Arc::clone(&mailbox);
    let look = std::thread::Builder::new().name("inference".into()).spawn(move || {
        work(&shared, &recorder, looks.as_mut(), &inbox);
        finished.cancel();
    })?;
    let capture = std::thread::Builder::new().name("capture".into()).spawn(move || capture.run())?;
    Ok(Running { mailbox, capture, look })
}

fn work(shared: &Shared, recorder: &Recorder, looks: &mut dyn Looks, inbox: &Mailbox) {
    loop {
        shared.heartbeats.pipeline.beat(shared.clock.elapsed());
        let decided = match inbox.take(ROUND) {
            Taken::Frame(frame) => looks.process(&frame),
            Taken::Break => looks.end_all(),
            Taken::Nothing => continue,
            Taken::Closed => break,
        };
        for visit in decided {
            tell(&visit.report);
            recorder.visit(visit.report, visit.decided, visit.span);
        }
    }
    for visit in looks.end_all() {
        recorder.visit(visit.report, visit.decided, visit.span);
    }
}

fn tell(report: &ostiary_common::wire::VisitReport) {
    let latency = report.latency;
    tracing::info!(
        outcome = ?report.outcome,
        person.id = report.matched.map(|found| found.person.to_string()),
        reason = ?report.reason,
        frames = report.frames,
        embeddings = report.embeddings,
        duration_ms = latency.frame_to_decision_ms,
        "visit decided: {:?}",
        report.outcome
    );
}

impl Running {
    /// Ends the threads: the frame in hand is finished, who is in sight is decided.
    pub fn stop(&self) {
        self.mailbox.close();
    }

    /// Whether the threads that must live as long as the program have ended before they were told to.
    pub fn died(&self) -> bool {
        self.look.is_finished() && !self.mailbox.is_closed()
    }

    /// Waits for the inference thread. The capture thread may hang in a driver; it is left to the kernel.
    pub fn join(self) {
        let _ = self.look.join();
        if self.capture.is_finished() {
            let _ = self.capture.join();
        }
    }
}
