//! `ostiaryd run`.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::app::{self, Ending, RunOptions};
use crate::config::{Config, ReplaySpeed, SourceKind};

/// Watch the door.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where frames come from, instead of `camera.source`.
    #[arg(long, value_enum)]
    source: Option<SourceKind>,
    /// Play this recording; implies `--source replay`.
    #[arg(long, value_name = "PATH")]
    replay: Option<PathBuf>,
    /// Play as fast as frames are looked at.
    #[arg(long)]
    max_speed: bool,
    /// End once the recording was played and the server has stored everything.
    #[arg(long)]
    exit_when_done: bool,
}

/// Runs the daemon.
pub fn run(args: Args, mut config: Config) -> anyhow::Result<ExitCode> {
    if let Some(source) = args.source {
        config.camera.source = source;
    }
    if let Some(path) = args.replay {
        config.camera.source = SourceKind::Replay;
        config.replay.path = path;
    }
    if args.max_speed {
        config.replay.speed = ReplaySpeed::Max;
    }
    let problems = config.problems();
    if !problems.is_empty() {
        return Err(crate::config::ConfigError::Refused(problems).into());
    }
    super::log::start(&config.log);
    let options = RunOptions { exit_when_done: args.exit_when_done, ..RunOptions::default() };
    // The connection and the watchdog are all that runs here; inference has threads of its own.
    let runtime = super::runtime(2)?;
    let outcome = runtime.block_on(app::run(config, options));
    // A thread that hangs in a driver must not keep the program from ending.
    runtime.shutdown_background();
    match outcome? {
        Ending::Over => Ok(ExitCode::SUCCESS),
        Ending::Anew => Err(anew()),
    }
}

/// Becomes the program anew, under the same number and with the same arguments: whoever watches over it sees one that goes
/// on. Returns only if that fails.
fn anew() -> anyhow::Error {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return anyhow::Error::new(error).context("finding the program to start it anew"),
    };
    let error = Command::new(program).args(std::env::args_os().skip(1)).exec();
    anyhow::Error::new(error).context("starting anew with another model pack")
}
