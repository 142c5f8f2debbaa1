//! Many stories, and what is to be said of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::broken::Broken;
use super::fault::Fault;
use super::story::{Told, stage, tell};
use super::violation::Rule;
use super::world::{StoryError, Telling};

/// Stories with a broken promise after which no more are told.
const ENOUGH: usize = 20;

/// What to simulate.
#[derive(Args, Clone, Debug)]
pub struct SimArgs {
    /// How many stories, with seeds that count up.
    #[arg(long, default_value_t = 1_000)]
    pub seeds: u64,
    /// The first seed; with --seeds 1 and -v, a story told again.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Steps of each story; the calm afterwards is not counted.
    #[arg(long, default_value_t = 250)]
    pub steps: u64,
    /// A rule that is broken on purpose, to see that it is noticed.
    #[arg(long = "break", value_name = "RULE")]
    pub broken: Option<Broken>,
    /// Print every step.
    #[arg(long, short)]
    pub verbose: bool,
}

/// A story that broke a promise.
#[derive(Clone, Debug, Serialize)]
pub struct Caught {
    /// Tell it again with this.
    pub seed: u64,
    /// The promise and how it broke.
    pub what: String,
    #[serde(skip)]
    rule: Option<Rule>,
}

/// What was tried, and what came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Stories told.
    pub seeds: u64,
    /// Steps in all of them.
    pub steps: u64,
    /// Faults done, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Stories in which every kind of fault was done.
    pub seeds_with_all_faults: u64,
    /// Events devices made durable.
    pub events: u64,
    /// Stories in which an event was lost.
    pub lost: u64,
    /// Stories in which an event counted twice.
    pub doubled: u64,
    /// Stories in which somebody was held, or sent, who may not be.
    pub held_wrongly: u64,
    /// Stories that did not come to the truth.
    pub not_converged: u64,
    /// Stories in which a session, settings or a command went wrong.
    pub conversation: u64,
    /// Rounds until a story had converged, at most.
    pub most_rounds: u32,
    /// The stories that broke a promise.
    pub violations: Vec<Caught>,
}

/// Tells stories and prints what came of them: one line of JSON on standard output, and on standard error how to tell
/// again those that broke a promise.
///
/// # Errors
/// If the simulation itself does not work.
pub fn main(args: &SimArgs) -> Result<ExitCode> {
    let report = run(args, ENOUGH)?;
    for caught in &report.violations {
        eprintln!("seed {}: {}", caught.seed, caught.what);
        eprintln!("  again: cargo xtask faults sim --seeds 1 --seed {} --steps {} --verbose", caught.seed, args.steps);
    }
    println!("{}", serde_json::to_string(&report)?);
    Ok(if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Tells stories until all are told or `enough` have broken a promise.
///
/// # Errors
/// If the simulation itself does not work.
pub fn run(args: &SimArgs, enough: usize) -> Result<Report> {
    let studio = Studio::open()?;
    let mut report = Report::default();
    for seed in args.seed..args.seed.saturating_add(args.seeds) {
        let telling = Telling { seed, broken: args.broken, is_verbose: args.verbose };
        let told = studio.tell(telling, args.steps)?;
        report.take(seed, args.steps, told);
        if report.violations.len() >= enough {
            break;
        }
    }
    Ok(report)
}

/// Where stories are told: a runtime and a folder for their databases, in memory where the system has such a place.
struct Studio {
    runtime: Rc<Runtime>,
    folder: TempDir,
    template: PathBuf,
    doors: Vec<ostiary_server::domain::device::Door>,
}

impl Studio {
    fn open() -> Result<Self> {
        let runtime = Rc::new(Builder::new_current_thread().enable_all().build()?);
        let memory = PathBuf::from("/dev/shm");
        let place = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("ostiary-sim-").tempdir_in(place)?;
        let template = folder.path().join("template.db");
        let doors = stage(&runtime, &template).context("making the database stories begin with")?;
        Ok(Self { runtime, folder, template, doors })
    }

    fn tell(&self, telling: Telling, steps: u64) -> Result<Told> {
        let path = self.folder.path().join("story.db");
        for ending in ["", "-wal", "-shm"] {
            let leftover = self.folder.path().join(format!("story.db{ending}"));
            if leftover.exists() {
                std::fs::remove_file(leftover)?;
            }
        }
        std::fs::copy(&self.template, &path).context("copying the database stories begin with")?;
        tell(telling, steps, Rc::clone(&self.runtime), &path, &self.doors)
    }
}

impl Report {
    fn take(&mut self, seed: u64, steps: u64, told: Told) {
        self.seeds += 1;
        self.steps += steps;
        self.events += told.events;
        self.seeds_with_all_faults += u64::from(told.faults.len() == Fault::ALL.len());
        for (fault, times) in told.faults {
            *self.faults.entry(fault.name()).or_default() += times;
        }
        match told.end {
            Ok(rounds) => self.most_rounds = self.most_rounds.max(rounds),
            Err(StoryError::Violation(violation)) => {
                let rule = Some(violation.rule);
                *self.count(violation.rule) += 1;
                self.violations.push(Caught { seed, what: violation.to_string(), rule });
            }
            Err(StoryError::Failed(error)) => {
                self.violations.push(Caught { seed, what: format!("{error:#}"), rule: None });
            }
        }
    }

    fn count(&mut self, rule: Rule) -> &mut u64 {
        match rule {
            Rule::Lost => &mut self.lost,
            Rule::Doubled => &mut self.doubled,
            Rule::HeldWrongly => &mut self.held_wrongly,
            Rule::NotConverged => &mut self.not_converged,
            Rule::Conversation => &mut self.conversation,
        }
    }

    /// The promises broken, each once.
    pub fn rules(&self) -> Vec<Rule> {
        let mut rules: Vec<Rule> = self.violations.iter().filter_map(|caught| caught.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }
}
