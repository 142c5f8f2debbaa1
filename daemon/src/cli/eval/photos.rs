//! Photos through the models, on all cores, each once.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ostiary_models::detect::DetectedFace;
use ostiary_models::embed::Embedding;
use ostiary_models::engine::{FaceEngine, InferenceError};
use ostiary_models::frame::RgbImage;
use ostiary_models::photo;
use sha2::{Digest, Sha256};

use super::Lab;

/// Between two words on how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// What a photo shows.
#[derive(Clone, Debug)]
pub enum Look {
    /// A face; the largest, if there are several.
    Face(Embedding),
    /// No face was found.
    NoFace,
    /// It cannot be read, and why.
    Unreadable(String),
}

/// A photo and what it shows.
#[derive(Clone, Debug)]
pub struct Photo {
    /// What it shows.
    pub look: Look,
    /// What the file is, whatever its name; nothing if it could not be opened.
    pub digest: Option<[u8; 32]>,
}

/// Embeds the largest face of each photo, in the order of `paths`.
///
/// # Errors
/// If the models fail, which a valid pack does not.
pub fn embed_all(lab: &Lab, paths: &[PathBuf]) -> Result<Vec<Photo>, InferenceError> {
    each(lab, paths, |engine, path| {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Photo { look: Look::Unreadable(error.to_string()), digest: None }),
        };
        let look = match photo::decode(&bytes) {
            Ok(picture) => embed(engine, &picture)?,
            Err(error) => Look::Unreadable(error.to_string()),
        };
        Ok(Photo { look, digest: Some(Sha256::digest(&bytes).into()) })
    })
}

/// The faces of each photo, largest first, or why it cannot be read; in the order of `paths`.
///
/// # Errors
/// If the models fail, which a valid pack does not.
pub fn find_all(lab: &Lab, paths: &[PathBuf]) -> Result<Vec<Result<Vec<DetectedFace>, String>>, InferenceError> {
    each(lab, paths, |engine, path| match read(path) {
        Ok(picture) => Ok(Ok(engine.find_faces_in_photo(picture.view())?)),
        Err(why) => Ok(Err(why)),
    })
}

/// A photo, upright.
pub fn read(path: &Path) -> Result<RgbImage, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    photo::decode(&bytes).map_err(|error| error.to_string())
}

fn embed(engine: &mut FaceEngine, picture: &RgbImage) -> Result<Look, InferenceError> {
    let Some(face) = engine.find_faces_in_photo(picture.view())?.into_iter().next() else { return Ok(Look::NoFace) };
    let chip = engine.chip(picture.view(), &face);
    Ok(Look::Face(engine.embed_still(&chip)?))
}

/// Does `work` on every item on all threads; the answers stand in the items' order.
///
/// # Errors
/// The first failure; the others stop then.
pub fn each<T: Sync, R: Send>(
    lab: &Lab,
    items: &[T],
    work: impl Fn(&mut FaceEngine, &T) -> Result<R, InferenceError> + Sync,
) -> Result<Vec<R>, InferenceError> {
    let next = AtomicUsize::new(0);
    let progress = Progress::new(items.len());
    let run = |mut engine: FaceEngine| {
        let mut done = Vec::new();
        while let Some((index, item)) = take(&next, items) {
            match work(&mut engine, item) {
                Ok(answer) => done.push((index, answer)),
                Err(error) => {
                    next.store(items.len(), Ordering::Relaxed);
                    return Err(error);
                }
            }
            progress.one_more();
        }
        Ok(done)
    };
    let threads = lab.threads.min(items.len()).max(1);
    let mut answers = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| lab.engine.clone()).map(|e| scope.spawn(|| run(e))).collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, _>| worker.join().expect("a worker does not panic");
        workers.into_iter().map(join).collect::<Result<Vec<_>, InferenceError>>()
    })?
    .into_iter()
    .flatten()
    .collect::<Vec<_>>();
    answers.sort_by_key(|(index, _)| *index);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

fn take<'a, T>(next: &AtomicUsize, items: &'a [T]) -> Option<(usize, &'a T)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    items.get(index).map(|item| (index, item))
}

/// Says on stderr how far it is, now and then.
struct Progress {
    all: usize,
    state: Mutex<(usize, Instant)>,
}

impl Progress {
    fn new(all: usize) -> Self {
        Self { all, state: Mutex::new((0, Instant::now())) }
    }

    fn one_more(&self) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.0 += 1;
        if state.1.elapsed() >= PROGRESS_EVERY {
            eprintln!("{} of {}", state.0, self.all);
            state.1 = Instant::now();
        }
    }
}
