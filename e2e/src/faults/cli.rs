//! The command line of the storm.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args as ClapArgs, ValueEnum};
use rand::Rng;

use super::clock::Clock;
use super::plan::Equipment;
use super::storm::{self, Broker, Options};
use super::street::Street;
use super::verdict::{Verdict, report};
use super::volume::Volume;
use crate::mosquitto;

/// How much is tried.
#[derive(ClapArgs, Clone, Debug)]
pub struct Args {
    /// Events to write down, at least.
    #[arg(long, default_value_t = 100_000)]
    events: u64,
    /// Programs to kill, at least.
    #[arg(long, default_value_t = 500)]
    kills: u64,
    /// How long it is meant to take.
    #[arg(long, default_value_t = 1500)]
    seconds: u64,
    /// Every choice of what breaks and when follows from it; drawn and told if it is not given.
    #[arg(long)]
    seed: Option<u64>,
    /// Devices with made-up visits.
    #[arg(long, default_value_t = 6)]
    drills: usize,
    /// Devices that look at a clip.
    #[arg(long, default_value_t = 1)]
    cameras: usize,
    /// Which broker.
    #[arg(long, value_enum, default_value_t = BrokerArg::Both)]
    broker: BrokerArg,
    /// Break nothing but programs and the database.
    #[arg(long)]
    only_programs: bool,
    /// Print the verdict as one JSON line only.
    #[arg(long)]
    json: bool,
    /// Keep the folder, with all logs.
    #[arg(long)]
    keep: bool,
}

/// Which broker.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum BrokerArg {
    /// The one in the server.
    Embedded,
    /// Mosquitto.
    External,
    /// First one, then the other.
    Both,
}

/// Plays a storm and prints the verdict: success only if every promise was kept.
///
/// # Errors
/// If it could not be played to its end.
pub fn main(args: &Args) -> Result<ExitCode> {
    let seed = args.seed.unwrap_or_else(|| rand::rng().random_range(1..1_000_000));
    let options = Options {
        seed,
        events: args.events,
        kills: args.kills,
        seconds: args.seconds.max(1),
        drills: args.drills,
        cameras: args.cameras,
        broker: broker(args.broker),
        with: equipment(args.only_programs)?,
        keep: args.keep,
    };
    eprintln!(
        "seed {seed}: {} events, {} kills, with {:?}, {:?}",
        args.events, args.kills, options.with, options.broker
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let verdict = runtime.block_on(storm::run(&options)).with_context(|| format!("the storm of seed {seed}"))?;
    if !args.json {
        explain(&verdict);
    }
    println!("{}", report(&verdict)?);
    Ok(if verdict.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn broker(wanted: BrokerArg) -> Broker {
    match wanted {
        BrokerArg::External => Broker::External,
        BrokerArg::Both if mosquitto::is_there() => Broker::Both,
        BrokerArg::Embedded | BrokerArg::Both => Broker::Embedded,
    }
}

/// What this machine lets us break; what it does not is said aloud.
fn equipment(only_programs: bool) -> Result<Equipment> {
    if only_programs {
        return Ok(Equipment { network: false, volumes: false, clocks: false });
    }
    let scratch = tempfile::tempdir().context("a folder to try things in")?;
    let there = |what: &str, missing: Option<String>| {
        if let Some(why) = &missing {
            eprintln!("SKIPPED {what}: {why}");
        }
        missing.is_none()
    };
    let faketime = Clock::library().is_none().then(|| "libfaketime is not installed".to_owned());
    Ok(Equipment {
        network: there("spoilt links", Street::missing()),
        volumes: there("full disks", Volume::missing(scratch.path())),
        clocks: there("jumping clocks", faketime),
    })
}

fn explain(verdict: &Verdict) {
    let Verdict { events, kills, seconds, lost, doubled, held_wrongly, .. } = verdict;
    eprintln!(
        "{} kills over {events} events in {seconds} s: {lost} lost, {doubled} doubled, {held_wrongly} devices that \
         hold something else; numbers missing {}, out of order {}, programs that ended by themselves {}",
        kills.total(),
        verdict.holes,
        verdict.misplaced,
        verdict.deaths,
    );
}
