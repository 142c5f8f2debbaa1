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
    set(&path, "Percentage of Dropped Buffers", 50);
    (0..10).for_each(|_| drop(next_frame(&mut source)));
    set(&path, "Percentage of Dropped Buffers", 0);

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
    set(path, "Inject Fatal Streaming Error", 0);
    for expected in [ReportKind::CameraLost, ReportKind::CameraRecovered] {
        match records.recv_timeout(PATIENCE).unwrap() {
            Record::Report(report) => assert_eq!(report.kind, expected),
            other => panic!("nobody is there: {other:?}"),
        }
    }
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
