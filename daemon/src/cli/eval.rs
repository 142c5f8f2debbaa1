//! `ostiaryd eval`: how well a model pack tells people apart, on photos of one's own. What the figures mean is told
//! in `docs/accuracy.md`; they are computed in `ostiary_models::metrics`.
//!
//! Start reading at [`verify`]; the other commands are made alike: read photos on all cores ([`photos`]), judge,
//! print ([`report`]).

mod calibrate;
mod detect;
mod enrolled;
mod folders;
mod identify;
mod pad;
mod pairs;
mod photos;
mod plots;
mod report;
mod scores;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use ostiary_models::engine::{EngineOptions, FaceEngine};
use ostiary_models::pack::Pack;

use crate::config::Config;

/// What to measure.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// One to one: are two photos of one person? Pairs come from a CSV file with the columns a,b,same.
    Verify(verify::Args),
    /// One to many: who is this, if anyone known? Gallery and probes have a folder for each person.
    Identify(identify::Args),
    /// Are faces found where there are faces, and nowhere else?
    Detect(detect::Args),
    /// Is a copy of a face told from a face? (presentation attack detection)
    Pad(pad::Args),
    /// Measure what similarities mean with a pack, for its manifest: thresholds can then be had from a target.
    Calibrate(calibrate::Args),
}

/// With which pack, and how.
#[derive(Debug, clap::Args)]
pub struct Common {
    /// The model pack, instead of `models.pack_dir`.
    #[arg(long, value_name = "DIR")]
    pack: Option<PathBuf>,
    /// Threads; all cores if not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Measures and says what came out.
pub fn eval(command: &Command, config: &Config) -> anyhow::Result<ExitCode> {
    match command {
        Command::Verify(args) => verify::verify(args, config)?,
        Command::Identify(args) => identify::identify(args, config)?,
        Command::Detect(args) => detect::detect(args, config)?,
        Command::Pad(args) => pad::pad(args, config)?,
        Command::Calibrate(args) => calibrate::calibrate(args, config)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A pack at work.
struct Lab {
    pack: Pack,
    engine: FaceEngine,
    threads: usize,
}

impl Lab {
    fn open(common: &Common, config: &Config) -> anyhow::Result<Self> {
        let dir = common.pack.as_ref().unwrap_or(&config.models.pack_dir);
        let pack = Pack::load(dir).context("loading the model pack (--pack names another)")?;
        // Photos come in every size, so no frame is prepared for.
        let options = EngineOptions { expected_frame: None, ..EngineOptions::default() };
        let engine = FaceEngine::load(&pack, &options)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = common.threads.map_or(cores, usize::from);
        Ok(Self { pack, engine, threads })
    }
}
