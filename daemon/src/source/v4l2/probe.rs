//! What cameras are there, and what they offer.

use std::path::{Path, PathBuf};

use v4l::Device;
use v4l::capability::Flags;
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;
use v4l::video::Capture;

use super::controls;
use super::formats::{Offer, known};
use crate::ports::SourceError;

/// Where udev keeps names that stay when cameras are plugged in another order.
const STABLE: [&str; 2] = ["/dev/v4l/by-id", "/dev/v4l/by-path"];
/// The configured device that stands for the only camera there is.
const AUTO: &str = "auto";

/// Sizes tried on cameras that take any.
const COMMON_SIZES: [(u32, u32); 6] = [(320, 240), (640, 360), (640, 480), (1280, 720), (1280, 960), (1920, 1080)];

/// What an open camera offers, of the formats that are taken.
pub fn offers(device: &Device) -> std::io::Result<Vec<Offer>> {
    let mut found = Vec::new();
    for description in device.enum_formats()? {
        let Some(format) = known(description.fourcc.repr) else { continue };
        for (width, height) in sizes(device, description.fourcc)? {
            let fps = highest_rate(device, description.fourcc, width, height);
            found.push(Offer { format, code: description.fourcc.repr, width, height, fps });
        }
    }
    Ok(found)
}

fn sizes(device: &Device, code: v4l::FourCC) -> std::io::Result<Vec<(u32, u32)>> {
    let mut found = Vec::new();
    for size in device.enum_framesizes(code).unwrap_or_default() {
        match size.size {
            FrameSizeEnum::Discrete(size) => found.push((size.width, size.height)),
            FrameSizeEnum::Stepwise(range) => {
                let fits = |&(width, height): &(u32, u32)| {
                    (range.min_width..=range.max_width).contains(&width)
                        && (range.min_height..=range.max_height).contains(&height)
                };
                found.extend(COMMON_SIZES.into_iter().filter(fits));
            }
        }
    }
    if found.is_empty() {
        // The driver does not list sizes: what it is set to is what it has.
        let format = device.format()?;
        found.push((format.width, format.height));
    }
    Ok(found)
}

fn highest_rate(device: &Device, code: v4l::FourCC, width: u32, height: u32) -> Option<f64> {
    let rate = |numerator: u32, denominator: u32| f64::from(denominator) / f64::from(numerator.max(1));
    let intervals = device.enum_frameintervals(code, width, height).ok()?;
    let rates = intervals.into_iter().map(|interval| match interval.interval {
        FrameIntervalEnum::Discrete(fraction) => rate(fraction.numerator, fraction.denominator),
        FrameIntervalEnum::Stepwise(range) => rate(range.min.numerator, range.min.denominator),
    });
    rates.reduce(f64::max)
}

/// A capture device in words: path, name, driver, and what it offers; or why it cannot be asked.
pub fn describe(path: &Path) -> String {
    let at = path.display();
    let device = match Device::with_path(path) {
        Ok(device) => device,
        Err(error) => return format!("{at}: cannot be opened: {error}"),
    };
    let Ok(caps) = device.query_caps() else { return format!("{at}: not a V4L2 device") };
    if !caps.capabilities.contains(Flags::VIDEO_CAPTURE) {
        return format!("{at}: {} ({}), no capture device", caps.card, caps.driver);
    }
    let mut text = format!("{at}: {} ({})", caps.card, caps.driver);
    let formats = device.enum_formats().unwrap_or_default();
    let other: Vec<String> =
        formats.iter().filter(|f| known(f.fourcc.repr).is_none()).map(|f| f.fourcc.to_string()).collect();
    for offer in offers(&device).unwrap_or_default() {
        let rate = offer.fps.map_or_else(String::new, |fps| format!(" up to {fps:.0} frames/s"));
        text.push_str(&format!("\n  {:?} {}x{}{rate}", offer.format, offer.width, offer.height));
    }
    for control in controls::describe(&device) {
        text.push_str(&format!("\n  control {control}"));
    }
    for name in stable_names(path) {
        text.push_str(&format!("\n  also {}", name.display()));
    }
    if !other.is_empty() {
        text.push_str(&format!("\n  not used: {}", other.join(" ")));
    }
    text
}

/// The paths of all video devices.
pub fn devices() -> Vec<std::path::PathBuf> {
    let mut paths: Vec<_> = v4l::context::enum_devices().into_iter().map(|node| node.path().to_owned()).collect();
    paths.sort();
    paths
}

/// The device's file: as configured, or with `auto` the first camera there is, by its stable name if it has one.
///
/// # Errors
/// [`SourceError`] if there is none.
pub fn find(configured: &Path) -> Result<PathBuf, SourceError> {
    if configured != Path::new(AUTO) {
        return Ok(configured.to_owned());
    }
    let camera = devices().into_iter().find(|path| is_camera(path));
    let camera =
        camera.ok_or_else(|| SourceError("there is no camera: is it plugged in? (`ostiaryd probe-camera`)".into()))?;
    Ok(stable_names(&camera).into_iter().next().unwrap_or(camera))
}

fn is_camera(path: &Path) -> bool {
    let Ok(device) = Device::with_path(path) else { return false };
    let captures = device.query_caps().is_ok_and(|caps| caps.capabilities.contains(Flags::VIDEO_CAPTURE));
    captures && offers(&device).is_ok_and(|offers| !offers.is_empty())
}

/// Names of a device that stay, those by what it is before those by where it is plugged in.
pub fn stable_names(device: &Path) -> Vec<PathBuf> {
    let Ok(target) = device.canonicalize() else { return Vec::new() };
    let entries = STABLE.iter().filter_map(|dir| std::fs::read_dir(dir).ok()).flat_map(|dir| {
        let mut paths: Vec<PathBuf> = dir.filter_map(Result::ok).map(|entry| entry.path()).collect();
        paths.sort();
        paths
    });
    entries.filter(|link| link.canonicalize().is_ok_and(|path| path == target)).collect()
}
