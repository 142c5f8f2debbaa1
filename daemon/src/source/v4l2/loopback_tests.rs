//! What vivid does not have, on `v4l2loopback` fed by ffmpeg: MJPG, and a camera whose driver stands still in the middle
//! of a frame. In the virtual machine of `cargo xtask vm`.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::lab::{NEAR, PATIENCE, SIZE, Watched, bars, device, has_program, worst_of_bars};
use super::*;
use crate::convert::encode_jpeg;

/// The driver as it names itself.
pub const LOOPBACK: &str = "v4l2 loopback";
/// The longest JPEG of the bars.
const MOST_BYTES: usize = 256 * 1024;

/// ffmpeg showing the bars to the camera; ends with this.
struct Feed(Child);

impl Feed {
    fn start(clip: &Path, camera: &Path) -> Self {
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-loglevel", "error", "-re", "-stream_loop", "-1", "-f", "mjpeg", "-framerate", "15", "-i"]);
        ffmpeg.arg(clip).args(["-c:v", "copy", "-f", "v4l2"]).arg(camera).stdin(Stdio::null());
        let feed = Self(ffmpeg.spawn().unwrap());
        let begun = Instant::now();
        // The device offers what is written to it once somebody writes.
        while !Device::with_path(camera).and_then(|device| probe::offers(&device)).is_ok_and(|o| !o.is_empty()) {
            assert!(begun.elapsed() < PATIENCE, "ffmpeg shows something");
            std::thread::sleep(Duration::from_millis(50));
        }
        feed
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn mjpg_is_seen_as_it_is_and_a_stalled_camera_survived() {
    let Some(path) = device(LOOPBACK) else { return };
    if !has_program("ffmpeg") {
        return;
    }
    let clip = tempfile::NamedTempFile::new().unwrap();
    let jpeg = encode_jpeg(&bars(), MOST_BYTES).unwrap();
    clip.as_file().write_all(&jpeg.repeat(30)).unwrap();
    let feed = Feed::start(clip.path(), &path);
    let camera = CameraSection { device: path, width: SIZE.0, height: SIZE.1, ..CameraSection::default() };
    let mut source = V4l2Source::open(&camera, Instant::now()).unwrap();
    assert_eq!(source.format, PixelFormat::Jpeg);
    for _ in 0..5 {
        let Next::Frame(frame) = source.next().unwrap() else { panic!("a camera has no end") };
        let worst = worst_of_bars(&frame.picture.to_rgb().unwrap(), false);
        println!("format MJPG: pixels differ by {worst} at most");
        assert!(worst <= NEAR);
    }
    drop(source);
    let watched = Watched::new(&camera);
    watched.survives("a stalled camera", || feed.signal(Signal::STOP), || feed.signal(Signal::CONT));
}
