//! Looking closely at the faces of a frame, side by side: threads that live as long as the pipeline and take
//! jobs from one queue, the pipeline's own thread among them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender};
use ostiary_models::detect::DetectedFace;
use ostiary_models::embed::Embedding;
use ostiary_models::frame::RgbImage;
use ostiary_models::quality::QualityGate;
use ostiary_models::shots::Bar;

use crate::domain::track::TrackId;
use crate::ports::{CloseLook, FaceFinder, FinderError};
use crate::shared::Shared;
use crate::telemetry::Stage;

/// A face to be looked at.
pub struct Job {
    /// Whose it is.
    pub track: TrackId,
    /// Where.
    pub face: DetectedFace,
    /// In which frame.
    pub frame: Arc<RgbImage>,
    /// What the face must reach to be embedded ...
    pub gate: QualityGate,
    /// ... and what it must beat, if anything.
    pub bar: Option<Bar>,
    /// Whether signs of life are looked for.
    pub wants_cues: bool,
}

/// A face that was looked at: what was seen, and what it was embedded to, if it was worth it.
pub struct Seen {
    /// Whose it is.
    pub track: TrackId,
    /// What was seen.
    pub look: CloseLook,
    /// What it was embedded to.
    pub embedding: Option<Embedding>,
}

type Looked = Result<Seen, FinderError>;

/// The threads.
pub struct Crew<F> {
    shared: Arc<Shared>,
    own: F,
    jobs: Option<Sender<Job>>,
    queue: Receiver<Job>,
    results: Receiver<Looked>,
    helpers: Vec<JoinHandle<()>>,
}

impl<F: FaceFinder + 'static> Crew<F> {
    /// One thread for each finder but `own`, which works on the caller's.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub fn new(shared: Arc<Shared>, own: F, others: Vec<F>) -> std::io::Result<Self> {
        let (jobs, queue) = crossbeam_channel::unbounded::<Job>();
        let (sender, results) = crossbeam_channel::unbounded();
        let start = |finder| {
            let (shared, queue, sender) = (Arc::clone(&shared), queue.clone(), sender.clone());
            std::thread::Builder::new().name("faces".into()).spawn(move || help(&shared, finder, &queue, &sender))
        };
        let helpers = others.into_iter().map(start).collect::<std::io::Result<_>>()?;
        Ok(Self { shared, own, jobs: Some(jobs), queue, results, helpers })
    }

    /// The finder that works on the caller's thread.
    pub const fn own(&mut self) -> &mut F {
        &mut self.own
    }

    /// Does the jobs; results come in any order. The queue is bounded by the faces of one frame.
    pub fn look(&mut self, jobs: Vec<Job>) -> Vec<Looked> {
        if jobs.len() < 2 || self.helpers.is_empty() {
            return jobs.into_iter().map(|job| look_at(&self.shared, &mut self.own, job)).collect();
        }
        let count = jobs.len();
        if let Some(sender) = &self.jobs {
            // The receiver lives in this very struct, so nothing can be refused.
            jobs.into_iter().for_each(|job| drop(sender.send(job)));
        }
        let mut looked = Vec::with_capacity(count);
        while let Ok(job) = self.queue.try_recv() {
            looked.push(look_at(&self.shared, &mut self.own, job));
        }
        while looked.len() < count {
            let Ok(result) = self.results.recv() else { break };
            looked.push(result);
        }
        looked
    }
}

impl<F> Drop for Crew<F> {
    fn drop(&mut self) {
        self.jobs = None;
        for helper in self.helpers.drain(..) {
            // A helper catches its own panics.
            let _ = helper.join();
        }
    }
}

/// A helper's life. A panic in a net is one face lost, not a thread that the others wait for in vain.
fn help<F: FaceFinder>(shared: &Shared, mut finder: F, queue: &Receiver<Job>, results: &Sender<Looked>) {
    for job in queue {
        let looked = catch_unwind(AssertUnwindSafe(|| look_at(shared, &mut finder, job)));
        let looked = looked.unwrap_or_else(|_| Err(FinderError("looking at a face panicked".into())));
        if results.send(looked).is_err() {
            return;
        }
    }
}

fn look_at<F: FaceFinder>(shared: &Shared, finder: &mut F, job: Job) -> Looked {
    let stages = &shared.telemetry.stages;
    let look = stages.time(Stage::Look, || finder.look(job.frame.view(), &job.face, job.wants_cues))?;
    let is_fit = look.quality.problem(&job.gate).is_none();
    let is_worth_it = is_fit && job.bar.is_none_or(|bar| bar.is_beaten_by(&look.quality));
    let embedding = if is_worth_it { Some(stages.time(Stage::Embed, || finder.embed(&look))?) } else { None };
    Ok(Seen { track: job.track, look, embedding })
}
