//! `[camera]` and `[replay]`: where frames come from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Problem, rule};

/// The kind of source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// A Video4Linux2 capture device.
    #[default]
    V4l2,
    /// Recorded frames, see `[replay]`.
    Replay,
}

/// `[camera]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CameraSection {
    /// `v4l2` or `replay`.
    pub source: SourceKind,
    /// The capture device.
    pub device: PathBuf,
    /// Width wanted, pixels; the driver may give the nearest it has.
    pub width: u32,
    /// Height wanted, pixels.
    pub height: u32,
    /// Frames per second wanted.
    pub fps: u32,
    /// Seconds without a frame after which the device is opened anew.
    pub timeout_s: u64,
    /// What happens to frames that come faster than they can be looked at.
    pub drop: DropPolicy,
    /// Who sets the exposure.
    pub exposure: ExposureMode,
    /// The frequency of lamps, Hz: 50 or 60; 0 leaves it to the camera.
    pub power_line_hz: u32,
    /// Controls by the names `v4l2-ctl` shows, set after `exposure`.
    pub controls: BTreeMap<String, i64>,
}

/// Who sets the exposure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExposureMode {
    /// Set for faces: automatic within the frame rate, light from behind made up for.
    #[default]
    Face,
    /// As the camera has it.
    Driver,
}

/// What happens to frames that come faster than they can be looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DropPolicy {
    /// `newest` from a camera and in replay at true speed, `none` in replay at maximum speed.
    #[default]
    Auto,
    /// The newest frame wins, older ones are dropped and counted.
    Newest,
    /// The source waits; for recorded frames only.
    None,
}

impl Default for CameraSection {
    fn default() -> Self {
        Self {
            source: SourceKind::V4l2,
            device: "/dev/video0".into(),
            width: 640,
            height: 480,
            fps: 15,
            timeout_s: 3,
            drop: DropPolicy::Auto,
            exposure: ExposureMode::Face,
            power_line_hz: 50,
            controls: BTreeMap::new(),
        }
    }
}

impl CameraSection {
    pub(super) fn check(&self, found: &mut Vec<Problem>) {
        let side = |n: u32| (64..=4096).contains(&n);
        rule(found, side(self.width), "camera.width", self.width, "64 to 4096 pixels");
        rule(found, side(self.height), "camera.height", self.height, "64 to 4096 pixels");
        rule(found, (1..=120).contains(&self.fps), "camera.fps", self.fps, "1 to 120 frames per second");
        let hertz = [0, 50, 60].contains(&self.power_line_hz);
        rule(found, hertz, "camera.power_line_hz", self.power_line_hz, "50, 60, or 0 to leave it to the camera");
        rule(found, (1..=60).contains(&self.timeout_s), "camera.timeout_s", self.timeout_s, "1 to 60 seconds");
    }
}

/// How fast recorded frames come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReplaySpeed {
    /// As they were recorded.
    #[default]
    #[serde(rename = "true")]
    True,
    /// As fast as they are looked at.
    #[serde(rename = "max")]
    Max,
}

/// `[replay]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReplaySection {
    /// A folder of images, an MJPEG or Y4M file, or a video that ffmpeg reads; empty for none.
    pub path: PathBuf,
    /// `true` or `max`.
    pub speed: ReplaySpeed,
    /// Frames per second of a folder or an MJPEG file, which do not say.
    pub fps: f64,
    /// Begin again at the end.
    #[serde(rename = "loop")]
    pub repeat: bool,
}

impl Default for ReplaySection {
    fn default() -> Self {
        Self { path: PathBuf::new(), speed: ReplaySpeed::True, fps: 15.0, repeat: false }
    }
}

impl ReplaySection {
    pub(super) fn check(&self, source: SourceKind, found: &mut Vec<Problem>) {
        let given = source != SourceKind::Replay || !self.path.as_os_str().is_empty();
        rule(found, given, "replay.path", "\"\"", "a folder of images or a video file, as camera.source is \"replay\"");
        rule(found, (0.1..=240.0).contains(&self.fps), "replay.fps", self.fps, "0.1 to 240 frames per second");
    }
}
