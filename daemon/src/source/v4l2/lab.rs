//! What tests with cameras of the kernel share: which devices there are, a picture that is known pixel by pixel, and the
//! capture thread at work while something is broken.
//!
//! The devices are there in a virtual machine only (`cargo xtask vm`); elsewhere tests say aloud that they are skipped.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use ostiary_common::wire::ReportKind;
use ostiary_models::frame::RgbImage;
use v4l::Device;

use super::probe;
use crate::config::{CameraSection, Config, SourceKind};
use crate::pipeline::{Mailbox, capture_for_tests as capture};
use crate::recorder::{Record, Recorder};
use crate::shared::Shared;

/// A camera that works again gives frames within this time.
const MOST_OUTAGE: Duration = Duration::from_secs(5);
/// What is waited for comes within this time, on an emulated machine too.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The first device of `driver`; says aloud if there is none.
pub fn device(driver: &str) -> Option<PathBuf> {
    let is_its = |path: &PathBuf| {
        Device::with_path(path).and_then(|device| device.query_caps()).is_ok_and(|c| c.driver == driver)
    };
    let found = probe::devices().into_iter().find(is_its);
    if found.is_none() {
        println!("SKIPPED: no device of {driver} here (`cargo xtask vm` makes one)");
    }
    found
}

/// The colours of vivid's bars, from left to right.
const BARS: [[u8; 3]; 8] =
    [[191, 191, 191], [191, 191, 0], [0, 191, 191], [0, 191, 0], [191, 0, 191], [191, 0, 0], [0, 0, 191], [0, 0, 0]];
/// The picture's size; the bars' edges are edges of a JPEG's blocks.
pub const SIZE: (u32, u32) = (640, 360);
/// What a bar may differ by: chroma is halved, levels are rounded twice.
pub const NEAR: u8 = 6;

/// The bars as a picture.
pub fn bars() -> RgbImage {
    let bar = SIZE.0 as usize / BARS.len();
    let row: Vec<u8> = (0..SIZE.0 as usize).flat_map(|x| BARS[x / bar]).collect();
    RgbImage::from_raw(SIZE.0, SIZE.1, row.repeat(SIZE.1 as usize)).unwrap()
}

/// The most any pixel of a bar differs by, those at its edges left out.
pub fn worst_of_bars(picture: &RgbImage, is_grey: bool) -> u8 {
    let width = SIZE.0 as usize;
    assert_eq!((picture.width(), picture.height()), SIZE);
    let bar = width / BARS.len();
    let mut worst = 0;
    for (at, pixel) in picture.as_raw().chunks_exact(3).enumerate() {
        let x = at % width;
        if x % bar < 4 || x % bar >= bar - 4 {
            continue;
        }
        let [r, g, b] = BARS[x / bar];
        // vivid's grey is luminance as Rec. 709 weighs it, of full range.
        let luma = 0.2126 * f64::from(r) + 0.7152 * f64::from(g) + 0.0722 * f64::from(b);
        let expected = if is_grey { [luma.round() as u8; 3] } else { [r, g, b] };
        worst = pixel.iter().zip(expected).map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0).max(worst);
    }
    worst
}

/// The capture thread at a camera.
pub struct Watched {
    shared: Arc<Shared>,
    records: Receiver<Record>,
    mailbox: Arc<Mailbox>,
    thread: Option<JoinHandle<()>>,
    _dir: tempfile::TempDir,
}

impl Watched {
    /// Starts it and waits for frames.
    pub fn new(camera: &CameraSection) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config { camera: camera.clone(), ..Config::default() };
        config.camera.source = SourceKind::V4l2;
        let (shared, ..) = crate::testing::shared(dir.path(), &config);
        let (recorder, records) = Recorder::new();
        let (mailbox, thread) = capture(Arc::clone(&shared), recorder, Arc::new(config));
        let watched = Self { shared, records, mailbox, thread: Some(thread), _dir: dir };
        watched.frames();
        watched
    }

    /// Breaks the camera, waits until that was reported, mends it, and says how long it took from then until frames
    /// came and that was reported; no longer than is allowed.
    pub fn survives(&self, fault: &str, break_it: impl FnOnce(), mend: impl FnOnce()) {
        let broken = Instant::now();
        break_it();
        self.told(ReportKind::CameraLost);
        let noticed = broken.elapsed();
        mend();
        let mended = Instant::now();
        self.told(ReportKind::CameraRecovered);
        let took = mended.elapsed();
        println!(
            "recovered from {fault}: noticed after {:.2} s, frames {:.2} s after its end",
            noticed.as_secs_f64(),
            took.as_secs_f64()
        );
        assert!(took < MOST_OUTAGE, "{fault}: {took:?}");
        self.frames();
    }

    /// Waits for three more frames.
    fn frames(&self) {
        let (begun, had) = (Instant::now(), self.shared.telemetry.frames.get());
        while self.shared.telemetry.frames.get() < had + 3 {
            assert!(begun.elapsed() < PATIENCE, "frames come");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn told(&self, expected: ReportKind) {
        match self.records.recv_timeout(PATIENCE).expect("a report") {
            Record::Report(report) => assert_eq!(report.kind, expected, "{}", report.detail),
            other => panic!("nobody is there: {other:?}"),
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.mailbox.close();
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(matches!(ended, Some(Ok(()))), "the capture thread ends in order");
        }
    }
}

/// Whether a program of tests is there; says aloud if it is not.
pub fn has_program(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|dir: PathBuf| Path::new(&dir).join(name).is_file());
    if !found {
        println!("SKIPPED: there is no {name} here");
    }
    found
}
