//! A V4L2 camera: memory-mapped buffers, the cheapest format the camera offers, a time-out on every frame.

pub mod formats;
pub mod probe;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use v4l::buffer::{Flags, Type};
use v4l::io::mmap::Stream;
use v4l::io::traits::CaptureStream;
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Device, Format, FourCC};

use crate::config::CameraSection;
use crate::convert::{PixelFormat, RawPicture};
use crate::ports::{Frame, FrameSource, Next, SourceError};
use formats::Choice;

/// Buffers the driver fills in turn.
const BUFFERS: u32 = 4;
/// Frames the driver marks as damaged, in a row, before the camera is opened anew.
const MAX_DAMAGED: u32 = 60;

/// An open camera.
pub struct V4l2Source {
    path: PathBuf,
    name: String,
    stream: Stream<'static>,
    format: PixelFormat,
    width: u32,
    height: u32,
    stride: usize,
    epoch: Instant,
    seq: u64,
    /// The first frame after opening may be an old one: a loopback device keeps what was last written.
    is_first: bool,
}

impl V4l2Source {
    /// Opens the camera and starts streaming.
    ///
    /// # Errors
    /// [`SourceError`] with the device, what was asked of it, and what to do if that is known.
    pub fn open(camera: &CameraSection, epoch: Instant) -> Result<Self, SourceError> {
        let path = camera.device.clone();
        let device = Device::with_path(&path).map_err(|error| explain_open(&path, &error))?;
        let failed = |doing: &str| {
            let at = format!("camera {}: {doing}", path.display());
            move |error: std::io::Error| SourceError::new(&at, error)
        };
        let caps = device.query_caps().map_err(failed("asking what it can"))?;
        let offers = probe::offers(&device).map_err(failed("listing formats"))?;
        let wanted = (camera.width, camera.height, camera.fps);
        let Some(choice) = formats::choose(&offers, wanted) else {
            return Err(SourceError(format!("camera {} offers none of YUYV, NV12, MJPG and GREY", path.display())));
        };
        let format = set_format(&device, choice).map_err(failed("setting the format"))?;
        // Not every driver can set the rate; what it gives is taken.
        let _ = device.set_params(&Parameters::with_fps(camera.fps));
        let mut stream =
            Stream::with_buffers(&device, Type::VideoCapture, BUFFERS).map_err(failed("mapping buffers"))?;
        stream.set_timeout(Duration::from_secs(camera.timeout_s));
        Ok(Self {
            name: caps.card,
            stream,
            format: choice.format,
            width: format.width,
            height: format.height,
            stride: format.stride as usize,
            epoch,
            seq: 0,
            is_first: true,
            path,
        })
    }

    fn frame(&mut self) -> Result<Option<Frame>, SourceError> {
        let (buffer, meta) = self.stream.next().map_err(|error| explain_read(&self.path, &error))?;
        let captured = Instant::now();
        let used = (meta.bytesused as usize).min(buffer.len());
        let damaged = meta.flags.contains(Flags::ERROR) || used == 0;
        if std::mem::take(&mut self.is_first) || damaged {
            return Ok(None);
        }
        let picture = RawPicture {
            format: self.format,
            width: self.width,
            height: self.height,
            stride: self.stride,
            data: buffer[..used].to_vec(),
        };
        self.seq += 1;
        Ok(Some(Frame { picture, at: captured.saturating_duration_since(self.epoch), captured, seq: self.seq }))
    }
}

impl FrameSource for V4l2Source {
    fn next(&mut self) -> Result<Next, SourceError> {
        for _ in 0..MAX_DAMAGED {
            if let Some(frame) = self.frame()? {
                return Ok(Next::Frame(frame));
            }
        }
        Err(SourceError(format!("camera {} gives only damaged frames", self.path.display())))
    }

    fn describe(&self) -> String {
        let (width, height, format) = (self.width, self.height, self.format);
        format!("{} at {}: {width}x{height} {format:?}", self.name, self.path.display())
    }
}

/// Sets the format chosen. A new [`Format`] every time: one that was read keeps its stride, and drivers honour it.
fn set_format(device: &Device, choice: Choice) -> std::io::Result<Format> {
    let code = FourCC::new(&formats::code(choice.format));
    let given = device.set_format(&Format::new(choice.width, choice.height, code))?;
    if given.fourcc != code {
        return Err(std::io::Error::other(format!("asked for {code}, the driver gave {}", given.fourcc)));
    }
    Ok(given)
}

fn explain_open(path: &std::path::Path, error: &std::io::Error) -> SourceError {
    let advice = match error.kind() {
        std::io::ErrorKind::NotFound => "is it plugged in? `ostiaryd probe-camera` lists what is there",
        std::io::ErrorKind::PermissionDenied => "add the daemon's user to the group `video`",
        _ => "it may be in use by another program",
    };
    SourceError(format!("cannot open camera {}: {error} ({advice})", path.display()))
}

fn explain_read(path: &std::path::Path, error: &std::io::Error) -> SourceError {
    let what = if error.kind() == std::io::ErrorKind::TimedOut { "no frame in time" } else { "reading failed" };
    SourceError(format!("camera {}: {what}: {error}", path.display()))
}

#[cfg(test)]
#[path = "v4l2/vivid_tests.rs"]
mod vivid_tests;
