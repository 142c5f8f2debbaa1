//! `ostiaryd probe-camera [DEVICE]`.

use std::path::PathBuf;
use std::process::ExitCode;

/// List cameras and what they offer; with a device, take a frame.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The device to take a frame from, for example /dev/video0.
    device: Option<PathBuf>,
    /// Width wanted, pixels.
    #[arg(long, default_value_t = 640)]
    width: u32,
    /// Height wanted, pixels.
    #[arg(long, default_value_t = 480)]
    height: u32,
    /// Write the frame to this JPEG file.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

/// Without camera support there is nothing to probe.
#[cfg(not(feature = "v4l2"))]
pub fn probe(_: &Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("this program was built without camera support (feature `v4l2`)")
}

/// Lists devices, or takes a frame from one.
#[cfg(feature = "v4l2")]
pub fn probe(args: &Args) -> anyhow::Result<ExitCode> {
    use crate::source::v4l2::probe::{describe, devices};
    match &args.device {
        Some(device) => {
            println!("{}", describe(device));
            take(args, device.clone())
        }
        None => {
            let found = devices();
            if found.is_empty() {
                println!("no video devices; is the camera plugged in, and is its driver loaded?");
                return Ok(ExitCode::FAILURE);
            }
            found.iter().for_each(|path| println!("{}", describe(path)));
            Ok(ExitCode::SUCCESS)
        }
    }
}

#[cfg(feature = "v4l2")]
fn take(args: &Args, device: PathBuf) -> anyhow::Result<ExitCode> {
    use crate::config::CameraSection;
    use crate::ports::{FrameSource, Next};
    use anyhow::Context;

    let camera = CameraSection { device, width: args.width, height: args.height, ..CameraSection::default() };
    let mut source = crate::source::v4l2::V4l2Source::open(&camera, std::time::Instant::now())?;
    println!("opened: {}", source.describe());
    let Next::Frame(frame) = source.next()? else { anyhow::bail!("a camera has no end") };
    let picture = frame.picture.to_rgb()?;
    let mean = picture.as_raw().iter().map(|&b| u64::from(b)).sum::<u64>() / picture.as_raw().len().max(1) as u64;
    println!("took a frame: {}x{}, mean brightness {mean} of 255", picture.width(), picture.height());
    if let Some(path) = &args.save {
        let jpeg = crate::convert::encode_jpeg(&picture, usize::MAX).context("encoding the frame")?;
        std::fs::write(path, jpeg).with_context(|| format!("writing {}", path.display()))?;
        println!("saved: {}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}
