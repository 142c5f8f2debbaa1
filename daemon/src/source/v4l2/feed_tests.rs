//! Not a test: a clip shown to a camera of `v4l2loopback`, for a machine that has no ffmpeg. `cargo xtask vm` runs it by
//! name beside the daemon.

use std::io::Write;
use std::path::PathBuf;

use v4l::video::Output;
use v4l::{Format, FourCC};

use super::lab::device;
use super::loopback_tests::LOOPBACK;
use super::*;
use crate::config::{ReplaySection, ReplaySpeed};
use crate::source::replay::ReplaySource;

/// Shows `OSTIARY_FEED` (MJPEG) again and again, so many frames a second as `OSTIARY_FEED_FPS` says, until it is killed.
#[test]
#[ignore = "shows a clip for ever: for the laboratory"]
fn shows_a_clip_to_a_loopback_camera() {
    let told = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not told"));
    let path = PathBuf::from(told("OSTIARY_FEED"));
    let fps = told("OSTIARY_FEED_FPS").parse().unwrap();
    let section = ReplaySection { path, fps, speed: ReplaySpeed::True, repeat: true };
    let mut clip = ReplaySource::open(&section).unwrap();
    let mut camera = Device::with_path(device(LOOPBACK).expect("a loopback camera")).unwrap();
    let mut is_set = false;
    loop {
        let Next::Frame(Frame { picture, .. }) = clip.next().unwrap() else { panic!("the clip is shown again") };
        if !is_set {
            let format = Format::new(picture.width, picture.height, FourCC::new(b"MJPG"));
            Output::set_format(&camera, &format).unwrap();
            is_set = true;
        }
        camera.write_all(&picture.data).unwrap();
    }
}
