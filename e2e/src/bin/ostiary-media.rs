//! Makes the pictures of demo and tests: `cargo xtask media` calls it.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use ostiary_e2e::clip::{Camera, Clip};
use ostiary_e2e::door::{Cast, Door, Plan, Story};
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
    /// Render a long scene at a door as Y4M, and what is true of it as JSON.
    Door(DoorArgs),
}

#[derive(Args)]
struct DoorArgs {
    /// The video's file.
    out: PathBuf,
    /// The truth's file.
    #[arg(long)]
    truth: PathBuf,
    /// Who may come (JSON); the repository's portraits if it is not given.
    #[arg(long)]
    cast: Option<PathBuf>,
    /// What happens: `day`, `still`, or how many people come at once.
    #[arg(long, default_value = "day", value_parser = story)]
    story: Story,
    /// How long it is.
    #[arg(long, default_value_t = 5.0)]
    minutes: f32,
    /// Everything random follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn story(text: &str) -> Result<Story, String> {
    match (text, text.parse()) {
        ("day", _) => Ok(Story::Day),
        ("still", _) => Ok(Story::Still),
        (_, Ok(people @ 1..=4)) => Ok(Story::Together(people)),
        _ => Err(format!("`{text}`; known are day, still, and 1 to 4 people at once")),
    }
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Cut { packages, out } => media::cut(&packages, &out),
        Command::Clip { out } => clip(&out),
        Command::Door(args) => door(&args),
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

fn door(args: &DoorArgs) -> Result<()> {
    let cast = args.cast.as_deref().map_or_else(Cast::of_the_repository, Cast::read)?;
    let plan = Plan::new(args.story, args.minutes, args.seed, &cast.counts());
    let camera = Camera { seed: args.seed, ..Camera::default() };
    let door = Door::new(&cast, &plan, &camera);
    let video = File::create(&args.out).with_context(|| format!("making {}", args.out.display()))?;
    door.write(&mut BufWriter::new(video)).with_context(|| format!("writing {}", args.out.display()))?;
    let truth = serde_json::to_string_pretty(&door.truth())?;
    fs::write(&args.truth, truth).with_context(|| format!("writing {}", args.truth.display()))?;
    println!("{} frames, {} visits, at {}", door.frames(), door.truth().visits.len(), args.out.display());
    Ok(())
}
