//! Makes the pictures of demo and tests: `cargo xtask media` calls it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use ostiary_e2e::clip::{Camera, Clip};
use ostiary_e2e::{demo, media};

#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Cut the portraits out of the unpacked packages.
    Cut {
        /// Where the packages were unpacked.
        packages: PathBuf,
        /// Where the portraits go.
        out: PathBuf,
    },
    /// Render the demo's clip: a folder of JPEGs, or one file if the name ends in .mjpeg.
    Clip {
        /// The folder or file.
        out: PathBuf,
    },
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Cut { packages, out } => media::cut(&packages, &out),
        Command::Clip { out } => clip(&out),
    }
}

fn clip(out: &Path) -> Result<()> {
    let clip = Clip::render(&demo::script(), &Camera::default())?;
    let mjpeg = out.extension().is_some_and(|kind| kind == "mjpeg");
    let written = if mjpeg { clip.write_mjpeg(out) } else { clip.write_folder(out) };
    written.with_context(|| format!("writing {}", out.display()))?;
    println!("{} frames, {:.1} s, at {}", clip.frames.len(), clip.seconds(), out.display());
    Ok(())
}
