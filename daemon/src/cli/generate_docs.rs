//! `ostiaryd generate-docs`: manual pages and what shells complete, for packages.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::{Shell, generate_to};

/// Write manual pages and completions into folders that are there.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What Home Assistant is told of a made-up device (JSON), to be checked.
    #[arg(long, value_name = "FILE")]
    discovery: Option<PathBuf>,
    /// Manual pages.
    #[arg(long, value_name = "DIR")]
    man: Option<PathBuf>,
    /// What bash completes.
    #[arg(long, value_name = "DIR")]
    bash: Option<PathBuf>,
    /// What zsh completes.
    #[arg(long, value_name = "DIR")]
    zsh: Option<PathBuf>,
    /// What fish completes.
    #[arg(long, value_name = "DIR")]
    fish: Option<PathBuf>,
}

/// Writes what was asked for.
pub fn generate(args: &Args) -> anyhow::Result<ExitCode> {
    if let Some(dir) = &args.man {
        clap_mangen::generate_to(super::Cli::command(), dir).context("writing manual pages")?;
    }
    if let Some(path) = &args.discovery {
        std::fs::write(path, crate::sync::sample_description()).context("writing the description")?;
    }
    complete(Shell::Bash, args.bash.as_deref())?;
    complete(Shell::Zsh, args.zsh.as_deref())?;
    complete(Shell::Fish, args.fish.as_deref())?;
    Ok(ExitCode::SUCCESS)
}

fn complete(shell: Shell, dir: Option<&Path>) -> anyhow::Result<()> {
    let Some(dir) = dir else { return Ok(()) };
    let written = generate_to(shell, &mut super::Cli::command(), "ostiaryd", dir);
    let written = written.with_context(|| format!("writing what {shell} completes"))?;
    // Where bash looks for it, a file is named as its program is.
    if shell == Shell::Bash {
        std::fs::rename(&written, dir.join("ostiaryd"))?;
    }
    Ok(())
}
