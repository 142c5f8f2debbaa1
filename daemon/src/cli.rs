//! The command line: one file for each command.

mod bench;
mod bench_camera;
mod bench_start;
mod check_config;
mod claim;
mod disk_trial;
mod doctor;
mod drill;
mod eval;
mod generate_docs;
mod log;
mod pack;
mod probe_camera;
mod reset;
mod run;
mod status;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{self, Config};

/// Face recognition on the camera at the door.
#[derive(Debug, Parser)]
#[command(name = "ostiaryd", version, about)]
struct Cli {
    /// Configuration file.
    #[arg(long, global = true, env = "OSTIARYD_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Get this device's identity from the server, with the code an admin was given.
    Claim(claim::Args),
    /// Forget everything: identity, keys, gallery and events. For a device that leaves its door for good.
    Reset(reset::Args),
    /// Watch the door.
    Run(run::Args),
    /// Say how the running daemon is: figures and alarms.
    Status(status::Args),
    /// Check the configuration and name every value that is not allowed.
    CheckConfig,
    /// Print a configuration file with every key, its default and what it is for.
    GenerateConfig,
    /// Check everything the daemon needs and say how to mend what is missing.
    Doctor(doctor::Args),
    /// List cameras and what they offer; with a device, take a frame.
    ProbeCamera(probe_camera::Args),
    /// Examine model packs.
    #[command(subcommand)]
    Pack(pack::Command),
    /// Measure this machine on a recording: speed, CPU time, memory, and what was decided.
    Bench(bench::Args),
    /// Measure how well people are told apart, on photos of one's own.
    #[command(subcommand)]
    Eval(eval::Command),
    /// Write manual pages and what shells complete, for packages.
    #[command(hide = true)]
    GenerateDocs(generate_docs::Args),
    /// Measure start-up and memory with a throw-away cache.
    #[command(hide = true)]
    BenchStart(bench_start::Args),
    /// Measure the way of frames to the detector, by format.
    #[command(hide = true)]
    BenchCamera(bench_camera::Args),
    /// Report made-up visits instead of watching: for tests of everything behind the decision.
    #[command(hide = true)]
    Drill(drill::Args),
    /// Work on a throw-away cache and tell what was made durable.
    #[command(hide = true, subcommand)]
    DiskTrial(disk_trial::Command),
}

/// Runs the program: 0 for done, 1 for failed, 2 for a wrong command line.
#[must_use]
pub fn main() -> ExitCode {
    // Fails only if a provider is installed already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cli = Cli::parse();
    match dispatch(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("ostiaryd: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: Cli) -> anyhow::Result<ExitCode> {
    let path = cli.config.as_deref();
    let load = || -> anyhow::Result<Config> { Ok(config::load(path)?) };
    match cli.command {
        Command::Claim(args) => claim::claim(&args, &load()?),
        Command::Reset(args) => reset::reset(&args, &load()?),
        Command::Run(args) => run::run(args, load()?),
        Command::Status(args) => status::status(&args, &load()?),
        Command::CheckConfig => check_config::check(path),
        Command::GenerateConfig => check_config::generate(),
        Command::Doctor(args) => doctor::doctor(&args, path),
        Command::ProbeCamera(args) => probe_camera::probe(&args),
        Command::Pack(command) => pack::pack(&command),
        Command::Bench(args) => bench::bench(&args, load_or_default(path)?),
        Command::Eval(command) => eval::eval(&command, &load_or_default(path)?),
        Command::GenerateDocs(args) => generate_docs::generate(&args),
        Command::BenchStart(args) => bench_start::bench(&args),
        Command::BenchCamera(args) => bench_camera::bench(&args),
        Command::Drill(args) => drill::drill(&args, load()?),
        Command::DiskTrial(command) => disk_trial::run(&command),
    }
}

/// Measuring needs no configuration file; one that is named is read.
fn load_or_default(path: Option<&std::path::Path>) -> anyhow::Result<Config> {
    path.map_or_else(|| Ok(Config::default()), |path| Ok(config::load(Some(path))?))
}

fn runtime(threads: usize) -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?)
}
