//! `ostiary-lab api`: how quickly the API reads from a full store, and how near that is to a handler that does nothing but
//! run the query. Start reading at [`main`]; the store is filled by `seed`, what is asked stands in `lists`.

mod bare;
mod lists;
mod load;
mod report;
mod seed;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use tokio::time::Instant;

use self::bare::Bare;
use self::load::{Client, Round};
use self::report::{EngineReport, Report};
pub(crate) use self::seed::Ground;
use crate::cluster::parts::Database;
use crate::server::Server;
use crate::stage::Stage;

/// Every budget beyond what a machine can ask.
const LIMITS: &str = "[limits]\nrequests_per_second = 1000000\naccount_requests_per_second = 1000000\n";

/// How much is in the store, and how hard it is asked.
#[derive(Args, Clone, Debug)]
pub struct ReadingArgs {
    /// Events in the store.
    #[arg(long, default_value_t = 1_000_000)]
    events: i64,
    /// Persons in the store.
    #[arg(long, default_value_t = 10_000)]
    persons: u32,
    /// Connections that ask at once.
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Requests of each list; fewer if they take too long.
    #[arg(long, default_value_t = 200)]
    requests: usize,
    /// Give up after so many seconds, for both databases together.
    #[arg(long, default_value_t = 355)]
    within: u64,
    /// Length of each round of load, seconds.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Rounds of ours and the bare handler in turn; the median counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    rounds: u8,
    /// Which database.
    #[arg(long, value_enum, default_value_t = EngineArg::Both)]
    engine: EngineArg,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
}

/// How long each read of the mix is made by itself.
const EACH_READ: Duration = Duration::from_secs(2);

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EngineArg {
    Sqlite,
    Postgres,
    /// First one, then the other.
    Both,
}

/// Measures, and prints what was found.
///
/// # Errors
/// If a store cannot be filled or a request fails.
pub fn main(args: &ReadingArgs) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ends = Instant::now() + Duration::from_secs(args.within);
    let mut report = Report::new(args.events, args.persons);
    for (name, engine) in [("sqlite", EngineArg::Sqlite), ("postgres", EngineArg::Postgres)] {
        if args.engine == engine || args.engine == EngineArg::Both {
            let measured = runtime.block_on(async { tokio::time::timeout_at(ends, measure(args, engine)).await });
            let measured = measured.with_context(|| format!("{name}: not done within {} s (--within)", args.within))?;
            report.add(name, measured?);
        }
    }
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{report}");
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(args: &ReadingArgs, engine: EngineArg) -> Result<EngineReport> {
    let stage = Stage::open().await?;
    let database = (engine == EngineArg::Postgres).then(|| Database::start(&stage)).transpose()?;
    let store = database.as_ref().map_or_else(String::new, |it| format!("[store]\nurl = \"{}\"\n", it.url));
    let server = Server::start_with(&stage, &format!("{LIMITS}\n{store}")).await?;
    let url = match &database {
        Some(database) => database.url.clone(),
        None => format!("sqlite:{}", server.database().display()),
    };
    say(args, "filling the store");
    let ground = Ground::fill(&server, &url, args.events, args.persons).await?;
    let client = Client::new(&server.api, &server.ca_pem)?;
    let mut report = EngineReport::default();
    for (name, path) in lists::lists(&ground) {
        say(args, name);
        let took = client.list(&path, args.requests).await.with_context(|| format!("{name}: {path}"))?;
        report.list_ms_p99.insert(name.to_owned(), took);
    }
    say(args, "reads a second, ours and the bare handler in turn");
    let bare = Bare::start(&url, server.certificate_files()).await?;
    let bare_client = Client::plain(&bare.base, &server.ca_pem)?;
    let lasts = Duration::from_secs(args.seconds);
    let (mut mixed, mut same, mut bareones) = (Vec::new(), Vec::new(), Vec::new());
    let mix = lists::mix(&ground);
    let paths: Vec<String> = mix.iter().map(|(_, path)| path.clone()).collect();
    for _ in 0..args.rounds {
        mixed.push(client.load(&paths, args.connections, lasts).await?);
        same.push(client.load(&[lists::EVENTS.to_owned()], args.connections, lasts).await?);
        bareones.push(bare_client.load(&[bare::PATH.to_owned()], args.connections, lasts).await?);
    }
    for (name, path) in mix {
        let one = client.load(&[path], args.connections, EACH_READ).await?;
        report.read_per_s.insert(name.to_owned(), one.per_second);
    }
    let (ours, peers) = (median(same)?, median(bareones)?);
    report.reads_per_s = median(mixed)?.per_second;
    report.events_per_s = ours.per_second;
    report.bare_per_s = peers.per_second;
    report.bare_ratio = ours.per_second / peers.per_second;
    Ok(report)
}

fn median(mut rounds: Vec<Round>) -> Result<Round> {
    rounds.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    let middle = rounds.len() / 2;
    if rounds.is_empty() {
        bail!("no round was made");
    }
    Ok(rounds.swap_remove(middle))
}

fn say(args: &ReadingArgs, words: &str) {
    if !args.json {
        eprintln!("{words}");
    }
}
