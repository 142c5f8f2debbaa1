//! Threads that read photos. Inference never runs on the async threads, and how much waits is bounded.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, select};
use tokio::sync::oneshot;

use super::problem::PhotoProblem;
use super::reader::{MakeReader, PhotoReader, Reading};
use crate::usage;

/// What became of a photo.
type Answer = Result<Result<Reading, PhotoProblem>, DeskError>;

struct Job {
    photo: Bytes,
    answer: oneshot::Sender<Answer>,
}

/// Why a photo was not looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    /// As many photos as may wait are waiting.
    #[error("too many photos are waiting; try again soon")]
    Busy,
    /// The models could not be loaded.
    #[error("the models are not available: {0}")]
    Broken(String),
    /// The models failed on this photo.
    #[error("the models failed: {0}")]
    Failed(String),
}

/// Whether photos can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Loading,
    Ready,
    Broken(String),
}

/// Photos of jobs that may wait behind those that somebody waits for. Jobs hand in no more than there are models and a
/// few, so that this is never full.
const MOST_LATER: usize = 1000;

/// Where photos are handed in.
pub struct Desk {
    jobs: Sender<Job>,
    later: Sender<Job>,
    state: Arc<Mutex<State>>,
}

impl Desk {
    /// Starts `threads` readers behind a queue of `waiting` photos. They load the models by themselves, so this
    /// returns at once; they end when the desk is dropped.
    pub fn open(make: MakeReader, threads: usize, waiting: usize) -> Self {
        // Full means busy: the caller is told to come again, nothing is queued in memory without bound.
        let (jobs, now) = bounded(waiting);
        let (later, behind) = bounded(MOST_LATER);
        let queue = Queue { now, later: behind };
        let state = Arc::new(Mutex::new(State::Loading));
        for number in 0..threads {
            let (make, queue, state) = (Arc::clone(&make), queue.clone(), Arc::clone(&state));
            let started =
                thread::Builder::new().name(format!("photo-{number}")).spawn(move || work(&make, &queue, &state));
            if let Err(error) = started {
                tracing::error!(%error, "a photo thread could not be started");
            }
        }
        Self { jobs, later, state }
    }

    /// Reads a photo somebody waits for.
    ///
    /// # Errors
    /// [`DeskError`].
    pub async fn read(&self, photo: Bytes) -> Answer {
        self.hand_in(&self.jobs, photo).await
    }

    /// Reads a photo of a job, once none is left that somebody waits for.
    ///
    /// # Errors
    /// [`DeskError`].
    pub async fn read_later(&self, photo: Bytes) -> Answer {
        self.hand_in(&self.later, photo).await
    }

    async fn hand_in(&self, to: &Sender<Job>, photo: Bytes) -> Answer {
        let (answer, read) = oneshot::channel();
        match to.try_send(Job { photo, answer }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(DeskError::Busy),
            Err(TrySendError::Disconnected(_)) => return Err(self.broken()),
        }
        // Dropped unanswered only if no thread could be started at all.
        read.await.unwrap_or_else(|_| Err(self.broken()))
    }

    /// Whether the models are loaded.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), String> {
        match &*self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Ready => Ok(()),
            State::Loading => Err("the models are being loaded".into()),
            State::Broken(why) => Err(why.clone()),
        }
    }

    fn broken(&self) -> DeskError {
        DeskError::Broken(self.check().err().unwrap_or_else(|| "no photo thread is running".into()))
    }
}

/// Photos that wait, in two rows.
#[derive(Clone)]
struct Queue {
    now: Receiver<Job>,
    later: Receiver<Job>,
}

impl Queue {
    /// The next photo; `None` once the desk is closed. One that nobody waits for any more is left out.
    fn next(&self) -> Option<Job> {
        loop {
            let job = match self.now.try_recv() {
                Ok(job) => job,
                Err(_) => select! {
                    recv(self.now) -> job => job.ok()?,
                    recv(self.later) -> job => job.ok()?,
                },
            };
            if !job.answer.is_closed() {
                return Some(job);
            }
        }
    }
}

fn work(make: &MakeReader, queue: &Queue, state: &Mutex<State>) {
    let set = |new: State| *state.lock().unwrap_or_else(PoisonError::into_inner) = new;
    let mut reader = match make() {
        Ok(reader) => reader,
        Err(why) => {
            tracing::error!(error = %why, "the models cannot be loaded, photos will be refused: {why}");
            set(State::Broken(why.clone()));
            return refuse_all(queue, &why);
        }
    };
    set(State::Ready);
    while let Some(job) = queue.next() {
        let answer = match catch_unwind(AssertUnwindSafe(|| read(&mut *reader, &job.photo))) {
            Ok(answer) => answer,
            Err(_) => match make() {
                // What the old reader was in the middle of is not known; a new one is.
                Ok(new) => {
                    reader = new;
                    Err(DeskError::Failed("a reader panicked".into()))
                }
                Err(why) => {
                    set(State::Broken(why.clone()));
                    let _ = job.answer.send(Err(DeskError::Broken(why.clone())));
                    return refuse_all(queue, &why);
                }
            },
        };
        // The caller may have gone; the next one is not concerned.
        let _ = job.answer.send(answer);
    }
}

/// Goes on answering without models, since nobody else would take what is in the queue.
fn refuse_all(queue: &Queue, why: &str) {
    while let Some(job) = queue.next() {
        let _ = job.answer.send(Err(DeskError::Broken(why.to_owned())));
    }
}

fn read(reader: &mut dyn PhotoReader, photo: &[u8]) -> Answer {
    let started = std::time::Instant::now();
    let answer = reader.read(photo).map_err(|e| DeskError::Failed(e.to_string()));
    metrics::histogram!("ostiary_server_photo_seconds").record(started.elapsed());
    let result = match &answer {
        Ok(Ok(_)) => "accepted",
        Ok(Err(problem)) => problem.slug(),
        Err(_) => "failed",
    };
    usage::count(usage::ENROLLMENT, &format!("photo {result}"));
    metrics::counter!("ostiary_server_photos_total", "result" => result).increment(1);
    answer
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use ostiary_models::engine::InferenceError;

    use super::*;

    /// Answers `NoFace`; waits for a word first if the photo says so, panics if it says so.
    struct Scripted(Arc<Mutex<mpsc::Receiver<()>>>);

    impl PhotoReader for Scripted {
        fn read(&mut self, bytes: &[u8]) -> Result<Result<Reading, PhotoProblem>, InferenceError> {
            match bytes {
                b"panic" => panic!("as asked"),
                b"wait" => self.0.lock().unwrap().recv().unwrap(),
                _ => {}
            }
            Ok(Err(PhotoProblem::NoFace))
        }
    }

    fn scripted() -> (MakeReader, mpsc::Sender<()>) {
        let (go, wait) = mpsc::channel();
        let wait = Arc::new(Mutex::new(wait));
        (Arc::new(move || Ok(Box::new(Scripted(Arc::clone(&wait))))), go)
    }

    #[tokio::test]
    async fn is_busy_when_the_queue_is_full() {
        let (make, go) = scripted();
        let desk = Arc::new(Desk::open(make, 1, 1));
        let hand_in = |photo: &'static [u8]| {
            let desk = Arc::clone(&desk);
            tokio::spawn(async move { desk.read(Bytes::from_static(photo)).await })
        };
        let mut waiting = vec![hand_in(b"wait")];
        // One is being read and one waits, so of some more at least one is told to come again.
        waiting.extend((0..3).map(|_| hand_in(b"wait")));
        let mut answers = Vec::new();
        while let Some(task) = waiting.pop() {
            let _ = go.send(());
            answers.push(task.await.unwrap());
        }
        assert!(answers.iter().any(|a| matches!(a, Err(DeskError::Busy))), "{answers:?}");
        assert!(answers.iter().any(|a| matches!(a, Ok(Err(PhotoProblem::NoFace)))), "{answers:?}");
    }

    #[tokio::test]
    async fn a_panic_costs_one_photo() {
        let (make, _go) = scripted();
        let desk = Desk::open(make, 1, 4);
        assert!(matches!(desk.read(Bytes::from_static(b"panic")).await, Err(DeskError::Failed(_))));
        assert!(matches!(desk.read(Bytes::from_static(b"fine")).await, Ok(Err(PhotoProblem::NoFace))));
    }

    #[tokio::test]
    async fn says_why_the_models_are_missing() {
        let desk = Desk::open(Arc::new(|| Err("no such pack".into())), 1, 4);
        let answer = desk.read(Bytes::from_static(b"photo")).await;
        assert_eq!(answer.unwrap_err(), DeskError::Broken("no such pack".into()));
        assert_eq!(desk.check(), Err("no such pack".into()));
    }
}
