//! Any video, decoded by ffmpeg as a child process that writes Y4M into a pipe. The pipe is what bounds it:
//! ffmpeg waits while nobody reads.

use std::io::{BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use super::Clip;
use super::y4m::Y4m;
use crate::convert::RawPicture;
use crate::ports::SourceError;

/// How much of ffmpeg's complaint is kept, bytes.
const MAX_COMPLAINT: u64 = 2048;

pub struct Ffmpeg {
    child: Child,
    video: Y4m<BufReader<ChildStdout>>,
}

impl Ffmpeg {
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let mut child = Command::new("ffmpeg")
            .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-i"])
            .arg(path)
            .args(["-map", "0:v:0", "-an", "-sn", "-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", "-"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| explain(path, &error))?;
        let stdout = child.stdout.take().expect("stdout is piped");
        match Y4m::read(BufReader::with_capacity(256 * 1024, stdout)) {
            Ok(video) => Ok(Self { child, video }),
            Err(_) => Err(SourceError(format!("ffmpeg cannot read {}: {}", path.display(), complaint(&mut child)))),
        }
    }
}

impl Clip for Ffmpeg {
    fn next(&mut self) -> Result<Option<RawPicture>, SourceError> {
        self.video.next()
    }

    fn fps(&self) -> Option<f64> {
        self.video.fps()
    }
}

impl Drop for Ffmpeg {
    fn drop(&mut self) {
        // It may have ended by itself; either way its remains are collected.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn explain(path: &Path, error: &std::io::Error) -> SourceError {
    if error.kind() == std::io::ErrorKind::NotFound {
        return SourceError(format!(
            "{} needs ffmpeg, which is not installed: run `apt install ffmpeg`, or give a folder of images, an \
             .mjpeg or a .y4m file",
            path.display()
        ));
    }
    SourceError::new("starting ffmpeg", error)
}

fn complaint(child: &mut Child) -> String {
    let _ = child.kill();
    let mut text = String::new();
    if let Some(stderr) = child.stderr.take() {
        let _ = stderr.take(MAX_COMPLAINT).read_to_string(&mut text);
    }
    let _ = child.wait();
    let last = text.lines().last().unwrap_or("no video in it").trim();
    last.to_owned()
}
