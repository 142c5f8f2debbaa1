//! Clips: from a few seconds of video to the best looks of the one face in it.
//!
//! ffmpeg takes the video apart, as a process that can do little else (`confine`): what kind of file it is, is decided
//! here by its first bytes, so that nothing in it can make another reader of it. `probe` asks for its length and size
//! before a picture is decoded; `frames` reads pictures as they come, never more than a few at once; the models look
//! at each, and [`ostiary_models::guided::pick`] chooses. Start reading at [`Clips::look_through`].

mod confine;
mod format;
mod frames;
mod ppm;
mod probe;
mod problem;
pub mod work;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ostiary_models::guided::{GuideRules, Picked, Shot, Unpicked, pick};
use sha2::{Digest, Sha256};
use tokio::sync::{Semaphore, SemaphorePermit};

pub use problem::{ClipError, ClipProblem};

use crate::capture::{Taken, keeping, still};
use crate::enroll::desk::{Desk, DeskError, Lane};
use crate::enroll::reader::Reading;
use confine::Confinement;
use frames::{Frames, Sampling};

/// The largest clip, bytes.
pub const MOST_BYTES: usize = 64 * 1024 * 1024;
/// The longest clip.
pub const MOST_SECONDS: u32 = 30;
/// How long it may take to take one apart and look at it.
const WITHIN: Duration = Duration::from_secs(40);
/// Looks picked of one clip.
const MOST_SHOTS: usize = 4;

/// Takes clips apart, one at a time: the decoder uses a core of its own, and another one waits at the models.
pub struct Clips {
    desk: Arc<Desk>,
    rules: GuideRules,
    dir: PathBuf,
    turn: Semaphore,
    confinement: Confinement,
}

/// The right to have a clip looked at, and the file it is to be written to. The file goes with it.
pub struct Turn<'c> {
    file: tempfile::NamedTempFile,
    _permit: SemaphorePermit<'c>,
}

impl Turn<'_> {
    /// Where the clip goes.
    pub fn path(&self) -> &Path {
        self.file.path()
    }
}

impl Clips {
    /// Files lie below `dir` while they are looked at.
    pub fn new(desk: Arc<Desk>, rules: GuideRules, dir: PathBuf) -> Self {
        // What a server that was killed had in hand.
        let _ = std::fs::remove_dir_all(&dir);
        Self { desk, rules, dir, turn: Semaphore::new(1), confinement: Confinement::default() }
    }

    /// Waits for nobody: says at once whether a clip can be taken now.
    ///
    /// # Errors
    /// [`ClipError::Busy`], [`ClipError::Disk`].
    pub fn turn(&self) -> Result<Turn<'_>, ClipError> {
        let permit = self.turn.try_acquire().map_err(|_| ClipError::Busy)?;
        std::fs::create_dir_all(&self.dir).map_err(ClipError::Disk)?;
        // Only this user reads it, and it is gone when it is looked at, however that ends.
        let file = tempfile::Builder::new().prefix("clip-").tempfile_in(&self.dir).map_err(ClipError::Disk)?;
        Ok(Turn { file, _permit: permit })
    }

    /// Whether a file that begins so can be a clip that is taken.
    #[must_use]
    pub fn takes(head: &[u8]) -> bool {
        format::by_magic(head).is_some()
    }

    /// Whether clips can be taken apart here at all.
    ///
    /// # Errors
    /// [`ClipError::NoDecoder`].
    pub fn is_able(&self) -> Result<(), ClipError> {
        self.confinement.is_able()
    }

    /// A look read as a photo is.
    ///
    /// # Errors
    /// [`DeskError`].
    pub async fn still(&self, shot: &Shot<Taken>) -> Result<Reading, DeskError> {
        still(&self.desk, shot).await
    }

    /// The best looks of the one face in a clip.
    ///
    /// # Errors
    /// [`ClipError`]; a clip that is refused is `Ok(Err(problem))`.
    pub async fn look_through(&self, turn: &Turn<'_>) -> Result<Result<Picked<Taken>, ClipProblem>, ClipError> {
        let looked = tokio::time::timeout(WITHIN, self.look(turn.path())).await;
        looked.unwrap_or(Ok(Err(ClipProblem::TookTooLong)))
    }

    async fn look(&self, path: &Path) -> Result<Result<Picked<Taken>, ClipProblem>, ClipError> {
        let Some(format) = format::of(path).await.map_err(ClipError::Disk)? else {
            return Ok(Err(ClipProblem::Unsupported));
        };
        let about = match probe::probe(&self.confinement, format, path).await? {
            Ok(about) => about,
            Err(problem) => return Ok(Err(problem)),
        };
        let sampling = match Sampling::of(&about) {
            Ok(sampling) => sampling,
            Err(problem) => return Ok(Err(problem)),
        };
        let mut frames = Frames::start(&self.confinement, format, path, sampling).await?;
        let mut seen = Vec::new();
        while let Some(frame) = frames.next().await? {
            let rules = self.rules.clone();
            let glanced = self.desk.run(Lane::Photos, move |reader| {
                let source = Sha256::digest(frame.as_raw()).into();
                reader.glance(&frame, &rules).map(|seen| keeping(seen, source))
            });
            seen.push(glanced.await?.map_err(|error| DeskError::Failed(error.to_string()))?);
        }
        if let Err(problem) = frames.end(seen.len()).await? {
            return Ok(Err(problem));
        }
        metrics::counter!("ostiary_server_clip_frames_total").increment(seen.len() as u64);
        Ok(pick(seen, &self.rules, MOST_SHOTS).map_err(ClipProblem::from))
    }
}

impl From<Unpicked> for ClipProblem {
    fn from(unpicked: Unpicked) -> Self {
        match unpicked {
            Unpicked::NoFace => Self::NoFace,
            Unpicked::SeveralFaces => Self::SeveralFaces,
            Unpicked::NotGoodEnough { hint } => Self::NotGoodEnough { hint },
        }
    }
}
