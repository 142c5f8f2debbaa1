//! Threads that read photos. Inference never runs on the async threads, and how much waits is bounded.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::oneshot;

use super::problem::PhotoProblem;
use super::reader::{MakeReader, PhotoReader, Reading};
use crate::usage;

/// What became of a photo.
type Answer = Result<Result<Reading, PhotoProblem>, DeskError>;

/// Something for a reader to do; it is told if there is no reader.
type Task = Box<dyn FnOnce(Result<&mut dyn PhotoReader, DeskError>) + Send>;

/// What goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Somebody stands before a camera and waits for the answer to one frame.
    Live,
    /// Photos, as they come.
    Photos,
    /// Photos of jobs, which nobody stands waiting for.
    Later,
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
    live: Sender<Task>,
    photos: Sender<Task>,
    later: Sender<Task>,
    state: Arc<Mutex<State>>,
}

/// What readers take from; frames go first, since they are few and somebody waits.
#[derive(Clone)]
struct Queues {
    live: Receiver<Task>,
    photos: Receiver<Task>,
    later: Receiver<Task>,
}

impl Queues {
    /// The next task; `None` once the desk is closed.
    fn next(&self) -> Option<Task> {
        crossbeam_channel::select_biased! {
            recv(self.live) -> task => task.ok(),
            recv(self.photos) -> task => task.ok(),
            recv(self.later) -> task => task.ok(),
        }
    }
}

impl Desk {
    /// Starts `threads` readers behind a queue of `waiting` photos. They load the models by themselves, so this
    /// returns at once; they end when the desk is dropped.
    pub fn open(make: MakeReader, threads: usize, waiting: usize) -> Self {
        // Full means busy: the caller is told to come again, nothing is queued in memory without bound.
        let (live, of_live) = bounded(waiting);
        let (photos, of_photos) = bounded(waiting);
        let (later, for_later) = bounded(MOST_LATER);
        let queues = Queues { live: of_live, photos: of_photos, later: for_later };
        let state = Arc::new(Mutex::new(State::Loading));
        for number in 0..threads {
            let (make, queues, state) = (Arc::clone(&make), queues.clone(), Arc::clone(&state));
            let started =
                thread::Builder::new().name(format!("photo-{number}")).spawn(move || work(&make, &queues, &state));
            if let Err(error) = started {
                tracing::error!(%error, "a photo thread could not be started");
            }
        }
        Self { live, photos, later, state }
    }

    /// Reads a photo somebody waits for.
    ///
    /// # Errors
    /// [`DeskError`].
    pub async fn read(&self, photo: Bytes) -> Answer {
        self.run(Lane::Photos, move |reader| read(reader, &photo)).await?
    }

    /// Reads a photo of a job, once none is left that somebody waits for.
    ///
    /// # Errors
    /// [`DeskError`].
    pub async fn read_later(&self, photo: Bytes) -> Answer {
        self.run(Lane::Later, move |reader| read(reader, &photo)).await?
    }

    /// Has a reader do something, on its own thread; what nobody waits for any more when its turn comes is left out.
    ///
    /// # Errors
    /// [`DeskError`].
    pub async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce(&mut dyn PhotoReader) -> T + Send + 'static,
    ) -> Result<T, DeskError> {
        let (answer, done) = oneshot::channel();
        let task: Task = Box::new(move |reader| {
            if !answer.is_closed() {
                let _ = answer.send(reader.map(work));
            }
        });
        let queue = match lane {
            Lane::Live => &self.live,
            Lane::Photos => &self.photos,
            Lane::Later => &self.later,
        };
        match queue.try_send(task) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(DeskError::Busy),
            Err(TrySendError::Disconnected(_)) => return Err(self.broken()),
        }
        done.await.unwrap_or_else(|_| Err(self.unanswered()))
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

    /// A task is dropped undone if its reader panicked, or no thread could be started at all.
    fn unanswered(&self) -> DeskError {
        match self.check() {
            Ok(()) => DeskError::Failed("a reader panicked".into()),
            Err(why) => DeskError::Broken(why),
        }
    }
}

fn work(make: &MakeReader, queues: &Queues, state: &Mutex<State>) {
    let set = |new: State| *state.lock().unwrap_or_else(PoisonError::into_inner) = new;
    let mut reader = match make() {
        Ok(reader) => reader,
        Err(why) => {
            tracing::error!(error = %why, "the models cannot be loaded, photos will be refused: {why}");
            set(State::Broken(why.clone()));
            return refuse_all(queues, &why);
        }
    };
    set(State::Ready);
    while let Some(task) = queues.next() {
        if catch_unwind(AssertUnwindSafe(|| task(Ok(&mut *reader)))).is_ok() {
            continue;
        }
        // What the old reader was in the middle of is not known; a new one is.
        match make() {
            Ok(new) => reader = new,
            Err(why) => {
                set(State::Broken(why.clone()));
                return refuse_all(queues, &why);
            }
        }
    }
}

/// Goes on answering without models, since nobody else would take what is in the queue.
fn refuse_all(queues: &Queues, why: &str) {
    while let Some(task) = queues.next() {
        task(Err(DeskError::Broken(why.to_owned())));
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

    use ostiary_models::align::AlignedChip;
    use ostiary_models::embed::Embedding;
    use ostiary_models::engine::InferenceError;
    use ostiary_models::face_crop::FaceCrop;
    use ostiary_models::frame::RgbImage;
    use ostiary_models::guided::{GuideRules, Seen};

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

        fn glance(&mut self, _: &RgbImage, _: &GuideRules) -> Result<Seen<Option<FaceCrop>>, InferenceError> {
            Ok(Seen::Nobody)
        }

        fn embed(&mut self, _: &AlignedChip) -> Result<Embedding, InferenceError> {
            panic!("no chip comes here")
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
