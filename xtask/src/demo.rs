//! `cargo xtask demo`: builds everything and hands over to `ostiary-demo`, which plays the story.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::{setup, shell};

/// How to play the demo.
#[derive(Args, Default)]
pub struct DemoArgs {
    /// Play once, check that everything happened, and end: exit code 0 only if it did.
    #[arg(long)]
    pub check: bool,
    /// Use a real camera instead of the clip, for example /dev/video0.
    #[arg(long, value_name = "DEVICE")]
    pub camera: Option<PathBuf>,
    /// With `--camera`: a photo of the person who will stand before it.
    #[arg(long, value_name = "FILE", requires = "camera")]
    pub photo: Option<PathBuf>,
    /// Take the programs as they were last built.
    #[arg(long)]
    pub no_build: bool,
}

/// Builds and plays.
///
/// # Errors
/// If the build fails, or the story did not happen.
pub fn run(args: &DemoArgs) -> Result<()> {
    if !args.no_build {
        setup::ensure()?;
        shell::build_all()?;
    }
    play(args)
}

/// Plays the story with the programs as built.
///
/// # Errors
/// If it did not happen.
pub fn play(args: &DemoArgs) -> Result<()> {
    let mut command = shell::command(shell::dev_binary("ostiary-demo"), &[]);
    if args.check {
        command.arg("--check");
    }
    if let Some(camera) = &args.camera {
        command.arg("--camera").arg(camera);
    }
    if let Some(photo) = &args.photo {
        command.arg("--photo").arg(photo);
    }
    shell::run(&mut command)
}
