//! What `ostiary-lab` measures: the programs are built as for a measurement, and it is handed over to.

use anyhow::Result;
use clap::Args;

use super::Profile;
use crate::{setup, shell};

/// How the programs are compiled, and how it is told what they did.
#[derive(Args)]
pub struct LabArgs {
    /// End with one JSON object on one line.
    #[arg(long)]
    json: bool,
    /// How to compile what is measured.
    #[arg(long, value_enum, default_value_t = Profile::Measure)]
    profile: Profile,
    /// Take the programs as they were last built.
    #[arg(long)]
    no_build: bool,
    /// Anything else that command of `ostiary-lab` takes; see its `--help`.
    #[arg(last = true)]
    more: Vec<String>,
}

impl LabArgs {
    /// Builds, and has the named command measure, with these options before those of the command line.
    ///
    /// # Errors
    /// If it cannot be built or run.
    pub fn run(&self, name: &str, options: &[String]) -> Result<()> {
        setup::ensure()?;
        if !self.no_build {
            self.profile.build(&["--workspace", "--bins"])?;
        }
        let mut lab = shell::command(self.profile.dir().join("ostiary-lab"), &[name]);
        lab.args(options).args(self.json.then_some("--json"));
        shell::run(lab.args(&self.more))
    }
}
