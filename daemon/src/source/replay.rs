//! Recorded frames: a folder of images, an MJPEG or Y4M file, or whatever ffmpeg reads.

mod ffmpeg;
mod images;
mod mjpeg;
mod y4m;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::config::{ReplaySection, ReplaySpeed};
use crate::convert::RawPicture;
use crate::ports::{Frame, FrameSource, Next, SourceError};

/// A recording, played once.
trait Clip {
    /// The next picture; `None` at the end.
    fn next(&mut self) -> Result<Option<RawPicture>, SourceError>;

    /// Frames per second, if the recording says.
    fn fps(&self) -> Option<f64> {
        None
    }
}

fn open_clip(path: &Path) -> Result<Box<dyn Clip>, SourceError> {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match extension.as_str() {
        _ if path.is_dir() => Ok(Box::new(images::Images::open(path)?)),
        _ if !path.exists() => Err(SourceError(format!("replay.path {} does not exist", path.display()))),
        "mjpeg" | "mjpg" => Ok(Box::new(mjpeg::Mjpeg::open(path)?)),
        "y4m" => Ok(Box::new(y4m::Y4m::open(path)?)),
        _ => Ok(Box::new(ffmpeg::Ffmpeg::open(path)?)),
    }
}

/// Plays a recording.
pub struct ReplaySource {
    settings: ReplaySection,
    clip: Box<dyn Clip>,
    interval: Duration,
    started: Instant,
    seq: u64,
    seen_in_clip: u64,
}

impl ReplaySource {
    /// Opens the recording.
    ///
    /// # Errors
    /// [`SourceError`] if it is not there or not of a known kind.
    pub fn open(settings: &ReplaySection) -> Result<Self, SourceError> {
        let clip = open_clip(&settings.path)?;
        let fps = clip.fps().unwrap_or(settings.fps).clamp(0.1, 240.0);
        let interval = Duration::from_secs_f64(1.0 / fps);
        Ok(Self { settings: settings.clone(), clip, interval, started: Instant::now(), seq: 0, seen_in_clip: 0 })
    }

    fn picture(&mut self) -> Result<Option<RawPicture>, SourceError> {
        if let Some(picture) = self.clip.next()? {
            self.seen_in_clip += 1;
            return Ok(Some(picture));
        }
        if !self.settings.repeat {
            return Ok(None);
        }
        if self.seen_in_clip == 0 {
            return Err(SourceError(format!("{} holds no frames", self.settings.path.display())));
        }
        self.seen_in_clip = 0;
        self.clip = open_clip(&self.settings.path)?;
        self.picture()
    }

    /// Waits until the frame at `at` is due; a source that has fallen behind does not hurry to catch up, it
    /// moves its beginning.
    fn pace(&mut self, at: Duration) {
        if self.settings.speed == ReplaySpeed::Max {
            return;
        }
        let due = self.started + at;
        let now = Instant::now();
        if due > now {
            std::thread::sleep(due - now);
        } else if now - due > self.interval * 4 {
            self.started = now.checked_sub(at).unwrap_or(now);
        }
    }
}

impl FrameSource for ReplaySource {
    fn next(&mut self) -> Result<Next, SourceError> {
        let Some(picture) = self.picture()? else { return Ok(Next::End) };
        let at = self.interval.mul_f64(self.seq as f64);
        if self.seq == 0 {
            self.started = Instant::now();
        }
        self.pace(at);
        let frame = Frame { picture, at, captured: Instant::now(), seq: self.seq };
        self.seq += 1;
        Ok(Next::Frame(frame))
    }

    fn describe(&self) -> String {
        let fps = 1.0 / self.interval.as_secs_f64();
        let speed = if self.settings.speed == ReplaySpeed::Max { "maximum" } else { "true" };
        format!("replay of {} at {fps:.1} frames/s, {speed} speed", self.settings.path.display())
    }
}

#[cfg(test)]
#[path = "replay/tests.rs"]
mod tests;
