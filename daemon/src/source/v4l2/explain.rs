//! What goes wrong with cameras, in words that say what to do.

use std::io::{Error, ErrorKind};
use std::path::Path;

use crate::ports::SourceError;

/// Numbers of errors of the kernel that cameras give.
const EIO: i32 = 5;
const ENODEV: i32 = 19;
const EINVAL: i32 = 22;
const ENOSPC: i32 = 28;
const EPROTO: i32 = 71;

/// The camera cannot be opened.
pub fn open(path: &Path, error: &Error) -> SourceError {
    let advice = match error.kind() {
        ErrorKind::NotFound => "is it plugged in? `ostiaryd probe-camera` lists what is there",
        ErrorKind::PermissionDenied => {
            "add the daemon's user to the group `video`: `usermod --append --groups video ostiaryd`"
        }
        ErrorKind::ResourceBusy => BUSY,
        _ => general(error),
    };
    SourceError(format!("cannot open camera {}: {error} ({advice})", path.display()))
}

/// Something was asked of an open camera.
pub fn ask(path: &Path, doing: &str, error: &Error) -> SourceError {
    let advice = if error.kind() == ErrorKind::ResourceBusy { BUSY } else { general(error) };
    SourceError(format!("camera {}: {doing}: {error} ({advice})", path.display()))
}

/// No frame came.
pub fn read(path: &Path, error: &Error) -> SourceError {
    let (what, advice) = match error.kind() {
        ErrorKind::TimedOut => ("no frame in time", "its driver stands still, or the camera sleeps"),
        _ => ("reading failed", general(error)),
    };
    SourceError(format!("camera {}: {what}: {error} ({advice})", path.display()))
}

const BUSY: &str = "another program uses it: `fuser --verbose` on the device says which";

fn general(error: &Error) -> &'static str {
    match error.raw_os_error() {
        Some(EIO | EPROTO) => "the camera or its cable fails: plug it in directly, try another cable or port",
        Some(ENODEV) => "it was unplugged",
        Some(EINVAL) => "the driver refuses: `ostiaryd probe-camera` shows what it offers",
        Some(ENOSPC) => "the USB bus has no room: another port, a smaller picture, or fewer cameras on one hub",
        _ => "it may be in use by another program",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_says_what_to_do() {
        let path = Path::new("/dev/video7");
        let os = Error::from_raw_os_error;
        let check = |said: SourceError, expected: &str| {
            assert!(said.0.contains("/dev/video7") && said.0.contains(expected), "{said}");
        };
        check(open(path, &os(2)), "plugged in");
        check(open(path, &os(13)), "group `video`");
        check(open(path, &os(16)), "another program uses it");
        check(ask(path, "starting", &os(16)), "another program uses it");
        check(ask(path, "starting", &os(ENOSPC)), "another port");
        check(read(path, &os(ENODEV)), "unplugged");
        check(read(path, &os(EIO)), "cable");
        check(read(path, &ErrorKind::TimedOut.into()), "no frame in time");
    }
}
