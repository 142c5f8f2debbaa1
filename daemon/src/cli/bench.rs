//! `ostiaryd bench`: a recording through the real pipeline, capture thread included, with people enrolled from
//! photos; no broker, no server. What it took and what was decided, for people or as one JSON object.

mod gallery;
mod measure;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use ostiary_common::wire::LivenessPolicy;

use crate::config::{Config, ReplaySpeed, SourceKind};

/// Measure this machine on a recording.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The recording: a folder of images, an MJPEG or Y4M file, or a video that ffmpeg reads.
    #[arg(long, value_name = "PATH")]
    clip: PathBuf,
    /// Who is known: a folder with a folder of photos for each person.
    #[arg(long, value_name = "DIR")]
    gallery: Option<PathBuf>,
    /// The model pack, instead of `models.pack_dir`.
    #[arg(long, value_name = "DIR")]
    pack: Option<PathBuf>,
    /// How fast frames come: as recorded, or as fast as they are looked at.
    #[arg(long, value_enum, default_value_t = Speed::Max)]
    speed: Speed,
    /// Frames per second of a recording that does not say.
    #[arg(long, value_name = "N")]
    fps: Option<f64>,
    /// Inference threads; 0 for one less than the machine has cores.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Embed every face of every frame and decide frame by frame, as a pipeline without tracks does.
    #[arg(long)]
    every_frame: bool,
    /// What is done with a visit that does not look live.
    #[arg(long, value_enum)]
    liveness: Option<Liveness>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Speed {
    Max,
    True,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Liveness {
    Off,
    Report,
    Block,
}

impl From<Liveness> for LivenessPolicy {
    fn from(wanted: Liveness) -> Self {
        match wanted {
            Liveness::Off => Self::Off,
            Liveness::Report => Self::Report,
            Liveness::Block => Self::Block,
        }
    }
}

/// Plays the recording and says what it took.
pub fn bench(args: &Args, config: Config) -> anyhow::Result<ExitCode> {
    let dir = std::env::temp_dir().join(format!("ostiaryd-bench-{}", std::process::id()));
    let config = configured(args, config, dir.clone());
    let problems = config.problems();
    if !problems.is_empty() {
        return Err(crate::config::ConfigError::Refused(problems).into());
    }
    super::log::start(&config.log);
    let outcome = measure::measure(args, config);
    // Nothing in it is worth keeping, and a part that cannot be removed is the system's to clear.
    let _ = std::fs::remove_dir_all(&dir);
    let outcome = outcome.with_context(|| format!("playing {}", args.clip.display()))?;
    if args.json {
        report::print_json(&outcome)
    } else {
        report::print_table(&outcome)
    }
    Ok(ExitCode::SUCCESS)
}

fn configured(args: &Args, mut config: Config, dir: PathBuf) -> Config {
    config.device.state_dir = dir;
    config.camera.source = SourceKind::Replay;
    config.replay.path.clone_from(&args.clip);
    config.replay.repeat = false;
    config.replay.speed = if args.speed == Speed::Max { ReplaySpeed::Max } else { ReplaySpeed::True };
    config.replay.fps = args.fps.unwrap_or(config.replay.fps);
    config.models.threads = args.threads.unwrap_or(config.models.threads);
    if let Some(policy) = args.liveness {
        config.liveness.policy = policy.into();
    }
    if let Some(pack) = &args.pack {
        config.models.pack_dir.clone_from(pack);
    }
    // The recording stands for a camera, before which people come back; it does not begin anew.
    config.recognition.reentry_s.get_or_insert(crate::pipeline::REENTRY_S);
    // Decisions are what is asked for; each is logged otherwise.
    config.log.level = "warn".into();
    config
}
