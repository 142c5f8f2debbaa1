//! `ostiaryd bench-camera`: what a frame costs from the recording to the detector's input, on one thread, and what each
//! format of cameras costs. For `cargo xtask bench camera`.

use std::collections::BTreeMap;
use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use ostiary_models::engine::FaceEngine;
use ostiary_models::frame::RgbImage;
use serde_json::json;

use crate::app;
use crate::config::{Config, ReplaySection, ReplaySpeed};
use crate::convert::{PixelFormat, RawPicture};
use crate::ports::{FrameSource, Next};
use crate::source::replay::ReplaySource;
use crate::telemetry::cpu_time;

/// Times a format's frame is converted.
const TIMES: u32 = 1000;

/// Measure the way of frames to the detector.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model pack, of which only the detector's input counts.
    #[arg(long)]
    pack: PathBuf,
    /// A recording in MJPEG.
    #[arg(long)]
    mjpeg: PathBuf,
    /// The same frames as YUYV, one after the other.
    #[arg(long)]
    yuyv: PathBuf,
    /// Their width, pixels.
    #[arg(long, default_value_t = 640)]
    width: u32,
    /// Their height, pixels.
    #[arg(long, default_value_t = 480)]
    height: u32,
    /// How often each recording is played.
    #[arg(long, default_value_t = 10)]
    rounds: u32,
}

/// Plays both, converts every format, and prints one JSON object.
pub fn bench(args: &Args) -> anyhow::Result<ExitCode> {
    let mut config = Config::default();
    config.models.pack_dir.clone_from(&args.pack);
    (config.camera.width, config.camera.height) = (args.width, args.height);
    let models = app::load_models(&config).context("loading the model pack")?;
    let engine = &models.finders.first().context("no inference thread")?.0;
    let mjpeg = played(args.rounds, engine, || Mjpeg::open(&args.mjpeg))?;
    let yuyv = played(args.rounds, engine, || Raw::open(&args.yuyv, args.width, args.height))?;
    let frame = Mjpeg::open(&args.mjpeg)?.next()?.context("the recording holds no frame")?;
    println!("{}", json!({ "mjpg_ms": mjpeg, "yuyv_ms": yuyv, "formats_us": formats(engine, &frame)? }));
    Ok(ExitCode::SUCCESS)
}

/// Frames, one after the other.
trait Frames {
    fn next(&mut self) -> anyhow::Result<Option<RawPicture>>;
}

/// By the daemon's own source.
struct Mjpeg(ReplaySource);

impl Mjpeg {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let section = ReplaySection { path: path.to_owned(), speed: ReplaySpeed::Max, ..ReplaySection::default() };
        Ok(Self(ReplaySource::open(&section)?))
    }
}

impl Frames for Mjpeg {
    fn next(&mut self) -> anyhow::Result<Option<RawPicture>> {
        Ok(match self.0.next()? {
            Next::Frame(frame) => Some(frame.picture),
            Next::End => None,
        })
    }
}

/// Bytes as a camera lays them into its buffers, copied out of the file as they are out of a buffer.
struct Raw {
    file: File,
    width: u32,
    height: u32,
}

impl Raw {
    fn open(path: &Path, width: u32, height: u32) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
        Ok(Self { file, width, height })
    }
}

impl Frames for Raw {
    fn next(&mut self) -> anyhow::Result<Option<RawPicture>> {
        let (width, height, stride) = (self.width, self.height, 2 * self.width as usize);
        let mut data = vec![0; stride * height as usize];
        match self.file.read_exact(&mut data) {
            Ok(()) => Ok(Some(RawPicture { format: PixelFormat::Yuyv, width, height, stride, data })),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error).context("reading frames"),
        }
    }
}

/// Milliseconds of a processor for each frame from the file to the detector's input.
fn played<F: Frames>(rounds: u32, engine: &FaceEngine, open: impl Fn() -> anyhow::Result<F>) -> anyhow::Result<f64> {
    let (mut frames, before) = (0_u32, time()?);
    for _ in 0..rounds {
        let mut source = open()?;
        while let Some(picture) = source.next()? {
            black_box(input(engine, &picture)?);
            frames += 1;
        }
    }
    anyhow::ensure!(frames > 0, "the recording holds no frame");
    Ok((time()? - before).as_secs_f64() * 1e3 / f64::from(frames))
}

/// The way every frame that is looked at goes.
fn input(engine: &FaceEngine, picture: &RawPicture) -> anyhow::Result<RgbImage> {
    Ok(match picture.to_half_rgb()? {
        Some(half) => engine.input_from_half(half.view()),
        None => engine.input_from(picture.to_rgb()?.view()),
    })
}

/// Microseconds from the buffer to the detector's input (a frame without a face) and to RGB (one with), by format.
fn formats(engine: &FaceEngine, frame: &RawPicture) -> anyhow::Result<BTreeMap<String, [f64; 2]>> {
    let rgb = frame.to_rgb()?;
    let mut found = BTreeMap::new();
    let kinds = [PixelFormat::Yuyv, PixelFormat::Nv12, PixelFormat::I420, PixelFormat::Rgb, PixelFormat::Grey];
    let pictures = kinds.into_iter().map(|format| drawn(&rgb, format)).chain([frame.clone()]);
    for picture in pictures {
        let to_input = timed(|| input(engine, &picture).map(drop))?;
        let to_rgb = timed(|| {
            black_box(picture.to_rgb()?);
            Ok(())
        })?;
        found.insert(format!("{:?}", picture.format), [to_input, to_rgb]);
    }
    Ok(found)
}

fn timed(work: impl Fn() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let before = time()?;
    (0..TIMES).try_for_each(|_| work())?;
    Ok((time()? - before).as_secs_f64() * 1e6 / f64::from(TIMES))
}

fn time() -> anyhow::Result<Duration> {
    cpu_time().context("reading this process's time")
}

/// A picture as a camera would give it in `format`.
fn drawn(rgb: &RgbImage, format: PixelFormat) -> RawPicture {
    let (width, height) = (rgb.width() as usize, rgb.height() as usize);
    let pixels: Vec<[u8; 3]> = rgb.as_raw().as_chunks::<3>().0.iter().map(yuv).collect();
    let luma = || pixels.iter().map(|[y, ..]| *y).collect::<Vec<u8>>();
    let corners = |c: usize| {
        (0..height / 2 * (width / 2)).map(move |n| (2 * (n / (width / 2)) * width + 2 * (n % (width / 2)), c))
    };
    let chroma = |c: usize| corners(c).map(|(at, c)| pixels[at][c]).collect::<Vec<u8>>();
    let (stride, data) = match format {
        PixelFormat::Yuyv => {
            (2 * width, pixels.as_chunks::<2>().0.iter().flat_map(|[a, b]| [a[0], a[1], b[0], a[2]]).collect())
        }
        PixelFormat::Nv12 => {
            let interleaved = corners(1).flat_map(|(at, _)| [pixels[at][1], pixels[at][2]]);
            (width, luma().into_iter().chain(interleaved).collect())
        }
        PixelFormat::I420 => (width, [luma(), chroma(1), chroma(2)].concat()),
        PixelFormat::Rgb => (3 * width, rgb.as_raw().to_vec()),
        _ => (width, luma()),
    };
    RawPicture { format, width: rgb.width(), height: rgb.height(), stride, data }
}

/// BT.601, limited range.
fn yuv([r, g, b]: &[u8; 3]) -> [u8; 3] {
    let [r, g, b] = [r, g, b].map(|value| f32::from(*value) / 255.0);
    let y = 16.0 + 65.481 * r + 128.553 * g + 24.966 * b;
    let u = 128.0 - 37.797 * r - 74.203 * g + 112.0 * b;
    let v = 128.0 + 112.0 * r - 93.786 * g - 18.214 * b;
    [y, u, v].map(|value| value.round() as u8)
}
