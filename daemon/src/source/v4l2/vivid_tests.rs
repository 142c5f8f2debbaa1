//! A camera with every fault, on the kernel's virtual driver `vivid`: in the virtual machine of `cargo xtask vm`.

use std::path::Path;

use v4l::control::{Control, Value};

use super::lab::{NEAR, SIZE, Watched, device, worst_of_bars};
use super::*;

const VIVID: &str = "vivid";

/// Sets a control by its name; buttons take any number.
fn set(path: &Path, name: &str, value: i64) {
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

/// How many frames come until one is counted as lost, none if that never happens. Of those that come first some were
/// full before the camera was told to fail: on an emulated machine the driver is buffers ahead of whoever reads.
fn frames_until(source: &mut V4l2Source, counted: impl Fn(&Losses) -> u64) -> Option<u32> {
    const MOST: u32 = 10 * BUFFERS;
    (1..=MOST).find(|_| {
        drop(next_frame(source));
        counted(&source.losses()) > 0
    })
}

/// Every format the camera offers and we take, compared with the pattern the driver draws: at every pixel of every bar
/// but those at its edges.
#[test]
fn every_format_is_seen_as_it_is() {
    let Some(path) = device(VIVID) else { return };
    let camera = CameraSection { device: path.clone(), width: SIZE.0, height: SIZE.1, ..CameraSection::default() };
    set(&path, "Test Pattern", 0);
    set(&path, "OSD Text Mode", 2);
    for code in [*b"YUYV", *b"NV12", *b"YU12", *b"GREY", *b"RGB3"] {
        let only = |offers: &[formats::Offer]| {
            let same = |offer: &&formats::Offer| (offer.code, offer.width, offer.height) == (code, SIZE.0, SIZE.1);
            let offer = offers.iter().find(same)?;
            Some(Choice { format: offer.format, code, width: SIZE.0, height: SIZE.1 })
        };
        let mut source = V4l2Source::open_choosing(&camera, Instant::now(), only).unwrap();
        let picture = next_frame(&mut source).picture.to_rgb().unwrap();
        let worst = worst_of_bars(&picture, &code == b"GREY");
        println!("format {}: pixels differ by {worst} at most", String::from_utf8_lossy(&code));
        assert!(worst <= NEAR, "{code:?}");
    }
}

fn small(path: &Path) -> CameraSection {
    CameraSection { device: path.to_owned(), width: 320, height: 180, timeout_s: 3, ..CameraSection::default() }
}

/// One test, for the faults are the device's and must not meet each other.
#[test]
fn faults_of_a_camera_are_survived() {
    let Some(path) = device(VIVID) else { return };
    by_the_source(&path);
    by_the_capture_thread(&path);
}

/// What the source counts and says.
fn by_the_source(path: &Path) {
    let open = || V4l2Source::open(&small(path), Instant::now());
    let mut source = open().unwrap();
    let (first, second) = (next_frame(&mut source), next_frame(&mut source));
    assert!(first.at < second.at);
    let picture = second.picture.to_rgb().unwrap();
    assert_eq!((picture.width(), picture.height()), (320, 180));

    set(path, "Inject V4L2_BUF_FLAG_ERROR", 0);
    assert!(frames_until(&mut source, |losses| losses.damaged).is_some(), "a damaged frame is counted");
    assert!(next_frame(&mut source).at > second.at);
    set(path, "Percentage of Dropped Buffers", 50);
    let frames = frames_until(&mut source, |losses| losses.lost).expect("gaps in the driver's count are counted");
    set(path, "Percentage of Dropped Buffers", 0);
    println!("recovered from dropped buffers: counted at the first gap, {frames} frames on, none waited for");

    set(path, "Inject Fatal Streaming Error", 0);
    assert!((0..10).any(|_| source.next().is_err()), "a fatal error shows");
    drop(source);
    set(path, "Inject VIDIOC_STREAMON Error", 0);
    assert!(open().and_then(|mut source| source.next()).is_err(), "a camera that does not start shows");
    next_frame(&mut open().unwrap());
}

/// What the daemon does about it: loses the camera, tells, opens it again, tells of that.
fn by_the_capture_thread(path: &Path) {
    let watched = Watched::new(&small(path));
    let fatal = || set(path, "Inject Fatal Streaming Error", 0);
    watched.survives("a fatal streaming error", fatal, || {});
    let twice = || {
        set(path, "Inject VIDIOC_STREAMON Error", 0);
        fatal();
    };
    watched.survives("a camera that does not start again at once", twice, || {});
    let share = |percent| set(path, "Percentage of Dropped Buffers", percent);
    watched.survives("a driver that stands still", || share(100), || share(0));
    // vivid plugs itself in again once nobody holds it.
    watched.survives("a camera pulled out and plugged in", || set(path, "Disconnect", 0), || {});
}
