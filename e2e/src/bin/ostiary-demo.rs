//! Plays the demo with the programs that lie beside this one. `cargo xtask demo` builds them and calls it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use ostiary_e2e::demo::{Options, play};

/// Shows Ostiary at work, with throw-away state.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    /// End after the story, with success only if it happened.
    #[arg(long)]
    check: bool,
    /// Use a real camera instead of the clip.
    #[arg(long, value_name = "DEVICE")]
    camera: Option<PathBuf>,
    /// With --camera: a photo of the person who will stand before it.
    #[arg(long, value_name = "FILE", requires = "camera")]
    photo: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { check, camera, photo } = Cli::parse();
    match play(&Options { check, camera, photo }).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n  the demo failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}
