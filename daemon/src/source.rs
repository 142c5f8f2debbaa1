//! Where frames come from: a camera, or recorded frames through the very same pipeline.

pub mod replay;
#[cfg(feature = "v4l2")]
pub mod v4l2;

use std::time::Instant;

use crate::config::{Config, SourceKind};
use crate::ports::{FrameSource, SourceError};

/// Opens the source the configuration names. `epoch` is where a camera's time line begins.
///
/// # Errors
/// [`SourceError`] if it cannot be opened now.
pub fn open(config: &Config, epoch: Instant) -> Result<Box<dyn FrameSource>, SourceError> {
    match config.camera.source {
        SourceKind::Replay => Ok(Box::new(replay::ReplaySource::open(&config.replay)?)),
        #[cfg(feature = "v4l2")]
        SourceKind::V4l2 => Ok(Box::new(v4l2::V4l2Source::open(&config.camera, epoch)?)),
        #[cfg(not(feature = "v4l2"))]
        SourceKind::V4l2 => {
            let _ = epoch;
            Err(SourceError("this program was built without camera support (feature `v4l2`)".into()))
        }
    }
}

/// Whether what the source reads from is there at all; recordings are.
pub fn is_there(config: &Config) -> bool {
    match config.camera.source {
        SourceKind::Replay => true,
        #[cfg(feature = "v4l2")]
        SourceKind::V4l2 => v4l2::is_there(&config.camera.device),
        #[cfg(not(feature = "v4l2"))]
        SourceKind::V4l2 => false,
    }
}
