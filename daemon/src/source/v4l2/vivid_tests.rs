//! A camera with every fault, on the kernel's virtual driver `vivid`. Skipped aloud where there is none; run
//! the crate's test binary as root after `modprobe vivid`, best in a throw-away virtual machine.

use std::path::PathBuf;
use std::sync::Arc;

use v4l::control::{Control, Value};

use super::*;
use crate::config::{Config, SourceKind};
use crate::pipeline::capture_for_tests as capture;
use crate::recorder::{Record, Recorder};
use ostiary_common::wire::ReportKind;

/// A camera that works again gives frames within this time.
const MOST_OUTAGE: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(30);

fn vivid() -> Option<PathBuf> {
    let is_vivid = |path: &PathBuf| {
        Device::with_path(path).and_then(|device| device.query_caps()).is_ok_and(|c| c.driver == "vivid")
    };
    let found = probe::devices().into_iter().find(is_vivid);
    if found.is_none() {
        println!("SKIPPED: no vivid device here (modprobe vivid)");
    }
    found
}

/// Sets a control by its name; buttons take any number.
fn set(path: &PathBuf, name: &str, value: i64) {
    let device = Device::with_path(path).unwrap();
    let control = device.query_controls().unwrap().into_iter().find(|control| control.name == name);
    let id = control.unwrap_or_else(|| panic!("no control {name}")).id;
    device.set_control(Control { id, value: Value::Integer(value) }).unwrap();
}

fn next_frame(source: &mut V4l2Source) -> Frame {
    match source.next().unwrap() {
        Next::Frame(frame) => frame,
        Next::End => panic!("a camera has no end"),
    }
}

/// The colours of vivid's bars, from left to right.
const BARS: [[u8; 3]; 8] =
    [[191, 191, 191], [191, 191, 0], [0, 191, 191], [0, 191, 0], [191, 0, 191], [191, 0, 0], [0, 0, 191], [0, 0, 0]];
/// What a bar may differ by: chroma is halved, levels are rounded twice.
const NEAR: u8 = 6;

/// Every format the camera offers and we take, compared with the pattern the driver draws: at every pixel of every bar
/// but those at its edges.
#[test]
fn every_format_is_seen_as_it_is() {
    let Some(path) = vivid() else { return };
    let camera = CameraSection { device: path.clone(), width: 640, height: 360, ..CameraSection::default() };
    set(&path, "Test Pattern", 0);
    set(&path, "OSD Text Mode", 2);
    let mut seen = Vec::new();
    for code in [*b"YUYV", *b"NV12", *b"YU12", *b"GREY", *b"RGB3"] {
        let only = |offers: &[formats::Offer]| {
            let (width, height) = (camera.width, camera.height);
            let same = |offer: &&formats::Offer| (offer.code, offer.width, offer.height) == (code, width, height);
            let offer = offers.iter().find(same)?;
            Some(Choice { format: offer.format, code, width, height })
        };
        let mut source = V4l2Source::open_choosing(&camera, Instant::now(), only).unwrap();
        let picture = next_frame(&mut source).picture.to_rgb().unwrap();
        let worst = worst_of_bars(&picture, &code == b"GREY");
        println!("format {}: pixels differ by {worst} at most", String::from_utf8_lossy(&code));
        assert!(worst <= NEAR, "{code:?}");
        seen.push(code);
    }
    assert_eq!(seen.len(), 5);
}

fn worst_of_bars(picture: &ostiary_models::frame::RgbImage, is_grey: bool) -> u8 {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    assert_eq!((width, height), (640, 360));
    let bar = width / BARS.len();
    let mut worst = 0;
    for (at, pixel) in picture.as_raw().chunks_exact(3).enumerate() {
        let x = at % width;
        if x % bar < 4 || x % bar >= bar - 4 {
            continue;
        }
        let [r, g, b] = BARS[x / bar];
        // Grey comes in video levels, as luminance does in the other formats.
        let luma = 16.0 + (65.481 * f64::from(r) + 128.553 * f64::from(g) + 24.966 * f64::from(b)) / 255.0;
        let expected = if is_grey { [luma.round() as u8; 3] } else { [r, g, b] };
        worst = pixel.iter().zip(expected).map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0).max(worst);
    }
    worst
}

/// One test, for the faults are the device's and must not meet each other.
#[test]
fn faults_of_a_camera_are_survived() {
    let Some(path) = vivid() else { return };
    let camera =
        CameraSection { device: path.clone(), width: 320, height: 180, timeout_s: 3, ..CameraSection::default() };
    let open = || V4l2Source::open(&camera, Instant::now());

    let mut source = open().unwrap();
    let (first, second) = (next_frame(&mut source), next_frame(&mut source));
    assert!(first.at < second.at);
    let picture = second.picture.to_rgb().unwrap();
    assert_eq!((picture.width(), picture.height()), (320, 180));

    set(&path, "Inject V4L2_BUF_FLAG_ERROR", 0);
    assert!(next_frame(&mut source).at > second.at);
    assert!(source.losses().damaged >= 1, "a damaged frame is counted");
    set(&path, "Percentage of Dropped Buffers", 50);
    (0..10).for_each(|_| drop(next_frame(&mut source)));
    set(&path, "Percentage of Dropped Buffers", 0);
    let lost = source.losses().lost;
    println!("recovered from dropped buffers, {lost} counted over 10 frames");
    assert!(lost >= 1, "gaps in the driver's count are counted");

    set(&path, "Inject Fatal Streaming Error", 0);
    assert!((0..10).any(|_| source.next().is_err()), "a fatal error shows");
    drop(source);
    next_frame(&mut open().unwrap());

    set(&path, "Inject VIDIOC_STREAMON Error", 0);
    assert!(open().and_then(|mut source| source.next()).is_err(), "a camera that does not start shows");
    next_frame(&mut open().unwrap());

    lost_and_found(&path, &camera);
    unplugged(&path, open().unwrap());
}

/// The capture thread tells of the loss, opens the camera again, and tells of that.
fn lost_and_found(path: &PathBuf, camera: &CameraSection) {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config { camera: camera.clone(), ..Config::default() };
    config.camera.source = SourceKind::V4l2;
    let (shared, ..) = crate::testing::shared(dir.path(), &config);
    let (recorder, records) = Recorder::new();
    let (mailbox, thread) = capture(Arc::clone(&shared), recorder, Arc::new(config));
    let begun = Instant::now();
    while shared.telemetry.frames.get() < 3 {
        assert!(begun.elapsed() < PATIENCE, "frames come");
        std::thread::sleep(Duration::from_millis(20));
    }
    let broken = Instant::now();
    set(path, "Inject Fatal Streaming Error", 0);
    for expected in [ReportKind::CameraLost, ReportKind::CameraRecovered] {
        match records.recv_timeout(PATIENCE).unwrap() {
            Record::Report(report) => assert_eq!(report.kind, expected),
            other => panic!("nobody is there: {other:?}"),
        }
    }
    let took = broken.elapsed();
    println!("recovered from a fatal streaming error in {took:?}");
    assert!(took < MOST_OUTAGE, "{took:?}");
    mailbox.close();
    thread.join().unwrap();
}

fn unplugged(path: &PathBuf, mut source: V4l2Source) {
    next_frame(&mut source);
    set(path, "Disconnect", 0);
    assert!((0..10).any(|_| source.next().is_err()), "an unplugged camera shows");
    drop(source);
    // vivid plugs itself in again once nobody holds it.
    let camera = CameraSection { device: path.clone(), ..CameraSection::default() };
    next_frame(&mut V4l2Source::open(&camera, Instant::now()).unwrap());
}
