//! Made-up visits instead of a camera's: how tests bring the outbox, the connection and the disk under a load that
//! no camera gives, with everything behind the decision real.
//!
//! Each visit carries a random mark in two fields that nobody acts upon, so that a visit stored under two ids shows.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ostiary_common::wire::{Latency, OutcomeKind, QualitySummary, VisitReport};
use rand::Rng;

use crate::recorder::{Recorder, VisitSpan};
use crate::shared::Shared;

/// Without visits the thread looks this often whether it is to end.
const IDLE: Duration = Duration::from_millis(200);
/// One visit in this many has a picture.
const PICTURE_EVERY: u32 = 50;
/// Bytes of such a picture: that of a small face.
const PICTURE_BYTES: usize = 2_000;
/// Bytes of the largest picture a camera's visit has.
const MOST_PICTURE_BYTES: usize = 4 * 1024;

/// How many made-up visits there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Visits in a second on average; 0 for none.
    pub per_second: f64,
    /// Whether each has the largest picture there is.
    pub pictured: bool,
}

impl Pace {
    /// How long until the next visit, for a number drawn from 0 to 1: people come as they like, so the gaps are
    /// those of a Poisson process. `None` if nobody comes.
    fn gap(self, drawn: f64) -> Option<Duration> {
        (self.per_second > 0.0).then(|| Duration::from_secs_f64(-(1.0 - drawn).max(1e-9).ln() / self.per_second))
    }
}

/// The running thread.
#[derive(Debug)]
pub struct Running {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

/// Starts to hand made-up visits to the recorder.
///
/// # Errors
/// If no thread can be started.
pub fn run(shared: Arc<Shared>, recorder: Recorder, pace: Pace) -> std::io::Result<Running> {
    let (stop, stopped) = channel();
    let work = move || visit(&shared, &recorder, pace, &stopped);
    let thread = std::thread::Builder::new().name("drill".into()).spawn(work)?;
    Ok(Running { stop, thread })
}

fn visit(shared: &Shared, recorder: &Recorder, pace: Pace, stopped: &Receiver<()>) {
    let mut random = rand::rng();
    loop {
        let now = shared.clock.elapsed();
        shared.heartbeats.capture.beat(now);
        shared.heartbeats.pipeline.beat(now);
        let gap = pace.gap(random.random());
        match stopped.recv_timeout(gap.unwrap_or(IDLE)) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
        if gap.is_some() {
            recorder.visit(report(shared, pace, &mut random), Instant::now(), VisitSpan::default());
        }
    }
}

fn report(shared: &Shared, pace: Pace, random: &mut impl Rng) -> VisitReport {
    let decision = shared.settings.load().rules.decision;
    let picture = match pace.pictured {
        // Of every bit anew, for a real one can be packed no smaller either.
        true => Some((0..MOST_PICTURE_BYTES).map(|_| random.random()).collect()),
        false => random.random_ratio(1, PICTURE_EVERY).then(|| vec![random.random(); PICTURE_BYTES]),
    };
    VisitReport {
        outcome: OutcomeKind::Unknown,
        matched: None,
        nearest: None,
        reason: None,
        liveness: None,
        threshold: decision.threshold,
        margin: decision.margin,
        quality: QualitySummary { overall: 0.8, face_px: 120.0, ..QualitySummary::default() },
        frames: random.random(),
        embeddings: random.random(),
        gallery_rev: shared.gallery.load().rev,
        pack: shared.pack.clone(),
        latency: Latency::default(),
        embedding: None,
        crop_jpeg: picture.map(|bytes: Vec<u8>| bytes.into()),
    }
}

impl Running {
    /// Asks the thread to end.
    pub fn stop(&self) {
        // It may have ended already.
        let _ = self.stop.send(());
    }

    /// Whether it has ended without being asked to.
    pub fn died(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits until it has ended.
    pub fn join(self) {
        let _ = self.thread.join();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_come_as_often_as_asked() {
        let pace = Pace { per_second: 20.0, pictured: false };
        let gaps = (0..1000).map(|n| pace.gap(f64::from(n) / 1000.0).unwrap().as_secs_f64());
        let mean = gaps.sum::<f64>() / 1000.0;
        assert!((0.045..0.055).contains(&mean), "{mean}");
        assert_eq!(Pace { per_second: 0.0, pictured: false }.gap(0.5), None);
        assert!(pace.gap(1.0).unwrap() < Duration::from_secs(2), "a draw of 1 is no eternity");
    }
}
