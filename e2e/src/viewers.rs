//! Many people before the live wall of one server while visits come in: whether everybody is told everything once, how soon,
//! and what it costs the server.
//!
//! Viewers are WebSockets as the panel opens them, each over a TLS connection of its own. Devices are real to the server:
//! claimed, connected by MQTT over TLS, acknowledged. Start reading at [`run`].

mod crowd;
mod doors;
mod report;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use tokio::time::Instant;

use self::crowd::Crowd;
use self::doors::Doors;
pub use self::report::ViewersReport;
use crate::fleet::usage;
use crate::server::Server;
use crate::stage::Stage;

/// How long everything that was stored may take to reach everybody.
const ARRIVES: Duration = Duration::from_secs(30);

/// How many watch, and what there is to be watched.
#[derive(Args, Clone, Debug)]
pub struct ViewersArgs {
    /// People before the wall.
    #[arg(long, default_value_t = 500)]
    pub viewers: u32,
    /// Visits a second, over all doors.
    #[arg(long, default_value_t = 500)]
    pub rate: u32,
    /// Doors they come from.
    #[arg(long, default_value_t = 5)]
    pub doors: u32,
    /// How long, seconds; 60 at most.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub seconds: u64,
    /// Print one line of JSON.
    #[arg(long)]
    pub json: bool,
}

/// Runs it in a runtime of its own.
///
/// # Errors
/// As [`run`].
pub fn main(args: &ViewersArgs) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(run(args))?;
    match args.json {
        true => println!("{}", serde_json::to_string(&report)?),
        false => println!("{report}"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Has so many watch, and gives what came of it.
///
/// # Errors
/// If somebody missed a visit or was told one twice, or it could not be run to its end.
pub async fn run(args: &ViewersArgs) -> Result<ViewersReport> {
    let stage = Stage::open().await?;
    let played = play(&stage, args).await;
    let report = played.inspect_err(|_| eprintln!("{}", stage.logs()))?;
    ensure!(report.is_whole(), "{} visits were missed, {} told twice", report.missed, report.doubled);
    Ok(report)
}

async fn play(stage: &Stage, args: &ViewersArgs) -> Result<ViewersReport> {
    let limits = format!(
        "[limits]\nrequests_per_second = 100000\naccount_requests_per_second = 100000\nlive_connections = {}\n\
         claims_per_minute = 1000\n",
        args.viewers + 10,
    );
    let server = Server::start_with(stage, &limits).await?;
    let mut doors = Doors::open(&server, args.doors).await?;
    let crowd = Crowd::gather(&server, args.viewers).await?;
    let pid = server.process_id().context("the server runs")?;
    let before = usage::of(pid);
    let begun = Instant::now();
    let events = doors.let_pass(args.rate, Duration::from_secs(args.seconds)).await?;
    crowd.until_told(events, ARRIVES).await;
    let (took, after) = (begun.elapsed(), usage::of(pid));
    let told = crowd.end();
    Ok(ViewersReport::new(args, events, told, (took, after.cpu_s - before.cpu_s, after.rss_mb)))
}
