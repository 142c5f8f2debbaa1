//! `cargo xtask bench NAME`: measurements, each against a peer in the same run where a peer exists.

pub mod net;

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
    /// The networks, stage by stage, beside onnxruntime; memory, start time and size of the daemon.
    Net(net::NetArgs),
}

/// Runs the named bench.
///
/// # Errors
/// If it cannot be built or run.
pub fn run(args: BenchArgs) -> Result<()> {
    match args.name {
        Name::Net(args) => net::run(args),
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
        self.build(&["-p", "ostiary-models", "--example", "bench"])?;
        Ok(self.dir().join("examples/bench"))
    }

    /// Builds the daemon and says where it is.
    ///
    /// # Errors
    /// If it does not compile.
    pub fn daemon(self) -> Result<PathBuf> {
        self.build(&["-p", "ostiary-daemon", "--bin", "ostiaryd"])?;
        Ok(self.dir().join("ostiaryd"))
    }

    fn dir(self) -> PathBuf {
        shell::target_dir().join(self.as_str())
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Measure => "measure",
        }
    }
}
