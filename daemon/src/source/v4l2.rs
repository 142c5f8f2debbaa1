//! V4L2 cameras: memory-mapped buffers, the cheapest format the camera offers, a time-out on every frame.
//!
//! Start reading at [`V4l2Source::open`]; what to ask of a camera is `formats`, how it is set `controls`, which cameras
//! there are `probe`, what goes wrong `explain`.

mod controls;
mod explain;
pub mod formats;
pub mod probe;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use v4l::buffer::{Flags, Metadata, Type};
use v4l::io::mmap::Stream;
use v4l::io::traits::CaptureStream;
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Device, Format, FourCC};

use crate::config::CameraSection;
use crate::convert::{PixelFormat, RawPicture};
use crate::domain::frame_clock::{FrameClock, FrameNumbers};
use crate::ports::{Frame, FrameSource, Losses, Next, SourceError};
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
    rate: f64,
    epoch: Instant,
    seq: u64,
    clock: FrameClock,
    numbers: FrameNumbers,
    losses: Losses,
    /// The first frame after opening may be an old one: a loopback device keeps what was last written.
    is_first: bool,
}

impl V4l2Source {
    /// Opens the camera and starts streaming.
    ///
    /// # Errors
    /// [`SourceError`] with the device, what was asked of it, and what to do.
    pub fn open(camera: &CameraSection, epoch: Instant) -> Result<Self, SourceError> {
        let wanted = (camera.width, camera.height, camera.fps);
        Self::open_choosing(camera, epoch, |offers| formats::choose(offers, wanted))
    }

    fn open_choosing(
        camera: &CameraSection,
        epoch: Instant,
        choose: impl Fn(&[formats::Offer]) -> Option<Choice>,
    ) -> Result<Self, SourceError> {
        let path = probe::find(&camera.device)?;
        let device = Device::with_path(&path).map_err(|error| explain::open(&path, &error))?;
        let failed = |doing: &'static str| {
            let path = path.clone();
            move |error: std::io::Error| explain::ask(&path, doing, &error)
        };
        let caps = device.query_caps().map_err(failed("asking what it can"))?;
        let offers = probe::offers(&device).map_err(failed("listing formats"))?;
        let Some(choice) = choose(&offers) else {
            return Err(SourceError(format!("camera {} offers none of {}", path.display(), formats::all())));
        };
        let format = set_format(&device, choice).map_err(failed("setting the format"))?;
        for problem in controls::apply(&device, camera) {
            tracing::warn!("{problem}");
        }
        // Not every driver can set the rate; what it gives is taken.
        let given = device.set_params(&Parameters::with_fps(camera.fps)).ok();
        let rate = given.map_or(0.0, |given| rate(given.interval.numerator, given.interval.denominator));
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
            rate,
            epoch,
            seq: 0,
            clock: FrameClock::default(),
            numbers: FrameNumbers::default(),
            losses: Losses::default(),
            is_first: true,
            path,
        })
    }

    fn frame(&mut self) -> Result<Option<Frame>, SourceError> {
        let (buffer, meta) = self.stream.next().map_err(|error| explain::read(&self.path, &error))?;
        let received = Instant::now();
        let used = (meta.bytesused as usize).min(buffer.len());
        let is_damaged = meta.flags.contains(Flags::ERROR) || used == 0;
        let (stamp, number) = (stamp(meta), meta.sequence);
        self.losses.lost += u64::from(self.numbers.lost_before(number));
        self.losses.damaged += u64::from(is_damaged);
        if std::mem::take(&mut self.is_first) || is_damaged {
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
        let since = received.saturating_duration_since(self.epoch);
        let at = stamp.map_or(since, |stamp| self.clock.place(stamp, since));
        Ok(Some(Frame { picture, at, captured: self.epoch + at, seq: self.seq }))
    }
}

impl FrameSource for V4l2Source {
    fn next(&mut self) -> Result<Next, SourceError> {
        for _ in 0..MAX_DAMAGED {
            if let Some(frame) = self.frame()? {
                return Ok(Next::Frame(frame));
            }
        }
        Err(SourceError(format!(
            "camera {} gives only damaged frames (plug it in directly, try another cable or port)",
            self.path.display()
        )))
    }

    fn describe(&self) -> String {
        let (width, height, format) = (self.width, self.height, self.format);
        let rate = if self.rate > 0.0 { format!(" at {:.0} frames/s", self.rate) } else { String::new() };
        format!("{} at {}: {width}x{height} {format:?}{rate}", self.name, self.path.display())
    }

    fn losses(&mut self) -> Losses {
        std::mem::take(&mut self.losses)
    }
}

/// When the driver says the frame was taken, if it counts by the clock that never goes back.
fn stamp(meta: &Metadata) -> Option<Duration> {
    let by_monotonic = (meta.flags & Flags::TIMESTAMP_MASK) == Flags::TIMESTAMP_MONOTONIC;
    let stamp = Duration::from(meta.timestamp);
    (by_monotonic && !stamp.is_zero()).then_some(stamp)
}

/// Sets the format chosen. A new [`Format`] every time: one that was read keeps its stride, and drivers honour it.
fn set_format(device: &Device, choice: Choice) -> std::io::Result<Format> {
    let code = FourCC::new(&choice.code);
    let given = device.set_format(&Format::new(choice.width, choice.height, code))?;
    if given.fourcc != code {
        return Err(std::io::Error::other(format!("asked for {code}, the driver gave {}", given.fourcc)));
    }
    Ok(given)
}

fn rate(numerator: u32, denominator: u32) -> f64 {
    f64::from(denominator) / f64::from(numerator.max(1))
}

/// Whether the device's file is there: one that was unplugged comes back with it.
pub fn is_there(device: &Path) -> bool {
    probe::find(device).is_ok_and(|path| path.exists())
}

#[cfg(test)]
mod feed_tests;
#[cfg(test)]
mod lab;
#[cfg(test)]
mod loopback_tests;
#[cfg(test)]
mod vivid_tests;
