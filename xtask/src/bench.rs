//! `cargo xtask bench NAME`: measurements, each against a peer in the same run where a peer exists.

mod camera;
mod day;
pub mod door;
mod faces;
pub mod groups;
pub mod guided;
pub mod import;
mod lab;
pub mod near;
pub mod net;
pub mod pad;
pub mod peers;
pub mod search;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};

use crate::shell;

/// What to measure.
#[derive(Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    name: Name,
}

#[derive(Subcommand)]
enum Name {
    /// The API over a full store on both databases, beside a handler that does nothing but run the query.
    Api(lab::LabArgs),
    /// Frames from a recording to the detector's input, beside OpenCV; what an idle door takes.
    Camera(camera::CameraArgs),
    /// A day at a busy door, hastened: memory, and what reaches the memory card.
    Day(day::DayArgs),
    /// A long scene at a door: who is decided rightly and once, and the processor time beside embedding every frame.
    Door(door::DoorArgs),
    /// An archive imported: photos a second beside the bare pipeline, memory, how soon it stops.
    Import(import::ImportArgs),
    /// Unknown visitors put together on labelled photos, in random orders, beside scikit-learn's DBSCAN.
    Groups(groups::GroupsArgs),
    /// How soon a guided session answers frames, on one core.
    Guided(guided::GuidedArgs),
    /// From which similarity on two photos show the same look.
    Near(near::NearArgs),
    /// The networks, stage by stage, beside onnxruntime; memory, start time and size of the daemon.
    Net(net::NetArgs),
    /// Liveness on clips made of labelled photos: of heads that move, and of attacks with their pictures.
    Pad(pad::PadArgs),
    /// Every page of the panel over a full store: how long the server takes, and how much a browser is sent.
    Pages(lab::LabArgs),
    /// Labelled photos, whole and degraded, through Ostiary and through other pipelines.
    Peers(peers::PeersArgs),
    /// Looking for the nearest person, beside faiss and usearch; all exact, one thread.
    Search(search::SearchArgs),
    /// Many before the live wall of one server while visits come in: what it costs, and whether anything is missed.
    Viewers(lab::LabArgs),
}

/// Runs the named bench.
///
/// # Errors
/// If it cannot be built or run.
pub fn run(args: BenchArgs) -> Result<()> {
    match args.name {
        Name::Api(args) => args.run("api", &[]),
        Name::Camera(args) => camera::run(&args),
        Name::Day(args) => day::run(&args),
        Name::Door(args) => door::run(args),
        Name::Import(args) => import::run(&args),
        Name::Groups(args) => groups::run(args),
        Name::Guided(args) => guided::run(&args),
        Name::Near(args) => near::run(&args),
        Name::Net(args) => net::run(args),
        Name::Pad(args) => pad::run(args),
        Name::Pages(args) => args.run("pages", &[]),
        Name::Peers(args) => peers::run(args),
        Name::Search(args) => search::run(args),
        Name::Viewers(args) => args.run("viewers", &[]),
    }
}

/// How the programs measured are compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// As shipped; takes minutes to link.
    #[default]
    Release,
    /// As shipped but for whole-program optimisation; for trying things out.
    Measure,
    /// Quick to build, slow to run: to see that everything works.
    Dev,
}

impl Profile {
    /// Builds with this profile.
    ///
    /// # Errors
    /// If it does not compile.
    pub fn build(self, what: &[&str]) -> Result<()> {
        shell::run(shell::cargo(&["build", "--profile", self.as_str()]).args(what))
    }

    /// Builds the worker of the benches and says where it is.
    ///
    /// # Errors
    /// If it does not compile.
    pub fn worker(self) -> Result<PathBuf> {
        // Of the whole workspace, so that what it stands on is compiled once for this and everything else.
        self.build(&["--workspace", "--example", "bench"])?;
        Ok(self.dir().join("examples/bench"))
    }

    /// Builds the daemon and says where it is.
    ///
    /// # Errors
    /// If it does not compile.
    pub fn daemon(self) -> Result<PathBuf> {
        // As `dist` builds it, so that both share what was compiled.
        self.build(&["--workspace", "--bin", "ostiaryd"])?;
        Ok(self.dir().join("ostiaryd"))
    }

    /// Where its programs lie.
    #[must_use]
    pub fn dir(self) -> PathBuf {
        shell::target_dir().join(self.folder())
    }

    /// Cargo's name of the folder.
    pub const fn folder(self) -> &'static str {
        match self {
            // The one profile whose folder has another name.
            Self::Dev => "debug",
            Self::Release | Self::Measure => self.as_str(),
        }
    }

    /// Cargo's name of the profile.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Measure => "measure",
            Self::Dev => "dev",
        }
    }
}
