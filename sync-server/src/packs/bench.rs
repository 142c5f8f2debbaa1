//! Models of packs beside the one this server works with: loaded when they are used, one pack at a time, and let go of
//! after a while, so that memory holds two packs at most.

use std::sync::Arc;
use std::time::Duration;

use ostiary_common::ids::PackId;
use ostiary_models::engine::Kernels;
use ostiary_models::face_crop::FaceCrop;
use tokio::sync::Mutex;

use super::files::{PackFiles, PackFilesError};
use crate::enroll::desk::{Desk, DeskError, Lane};
use crate::enroll::problem::PhotoProblem;
use crate::enroll::reader::{Reading, from_pack};
use crate::ports::Clock;

/// Models nobody used for so long are let go of.
const IDLE: Duration = Duration::from_secs(60);
/// Pictures that may wait for a pack's models.
const WAITING: usize = 64;

/// Why a picture could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The pack's files are not there, or cannot be used.
    #[error(transparent)]
    Files(#[from] PackFilesError),
    /// The models are busy or broken.
    #[error(transparent)]
    Desk(#[from] DeskError),
}

/// Models of packs.
pub struct PackBench {
    /// Where packs lie.
    pub files: Arc<PackFiles>,
    own: (PackId, Arc<Desk>),
    kernels: Kernels,
    clock: Arc<dyn Clock>,
    other: Mutex<Option<Other>>,
}

/// The one other pack that is loaded.
struct Other {
    id: PackId,
    desk: Arc<Desk>,
    used: Duration,
}

impl PackBench {
    /// Beside the models of this server's own pack.
    pub fn new(files: Arc<PackFiles>, own: (PackId, Arc<Desk>), kernels: Kernels, clock: Arc<dyn Clock>) -> Self {
        Self { files, own, kernels, clock, other: Mutex::default() }
    }

    /// Looks at a kept picture with a pack, and how long that took.
    ///
    /// # Errors
    /// [`BenchError`]; a picture in which the pack finds no usable face is `Ok(Err(problem))`.
    pub async fn recall(
        &self,
        pack: &PackId,
        crop: FaceCrop,
    ) -> Result<Result<(Reading, Duration), PhotoProblem>, BenchError> {
        let desk = self.desk(pack).await?;
        let looked = desk.run(Lane::Later, move |reader| {
            let began = std::time::Instant::now();
            reader.recall(&crop).map(|read| read.map(|reading| (reading, began.elapsed())))
        });
        Ok(looked.await?.map_err(|error| DeskError::Failed(error.to_string()))?)
    }

    /// Lets go of models nobody uses.
    pub async fn rest(&self) {
        let mut other = self.other.lock().await;
        let now = self.clock.elapsed();
        if other.as_ref().is_some_and(|other| now.saturating_sub(other.used) > IDLE) {
            *other = None;
        }
    }

    async fn desk(&self, id: &PackId) -> Result<Arc<Desk>, PackFilesError> {
        if *id == self.own.0 {
            return Ok(Arc::clone(&self.own.1));
        }
        let mut other = self.other.lock().await;
        if other.as_ref().is_none_or(|other| other.id != *id) {
            // The one before goes first: two others are never in memory together.
            *other = None;
            let pack = self.files.pack(id).await?;
            let desk = Arc::new(Desk::open(from_pack(pack, self.kernels), 1, WAITING));
            *other = Some(Other { id: id.clone(), desk, used: self.clock.elapsed() });
        }
        let other = other.as_mut().expect("set above");
        other.used = self.clock.elapsed();
        Ok(Arc::clone(&other.desk))
    }
}
